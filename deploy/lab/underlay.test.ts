import { expect, it } from "vitest";
import { overlayCommands } from "./client.ts";
import { boxLinkCommands, cableCommands, tapCommands } from "./underlay.ts";

it("joins a box to the bridge by a cable that carries its name", () => {
  expect(cableCommands("host-1", 42)).toBe(
    "link add host-1 type veth peer name eth0 address 02:76:66:63:00:0b netns 42\nlink set host-1 master underlay0 up\n",
  );
  expect(boxLinkCommands("host-1")).toContain("addr add 10.99.0.11/24 dev eth0\n");
});

it("gives a virtual machine a link of its name on the same bridge, and the bridge an address to speak to it from", () => {
  expect(tapCommands("host-1")).toBe(
    "addr replace 10.99.0.1/24 dev underlay0\ntuntap add dev host-1 mode tap\nlink set host-1 master underlay0 up\n",
  );
});

it("attaches the client where agents attach servers", () => {
  expect(overlayCommands()).toContain(
    "link add vxlan0 mtu 1450 type vxlan id 4200 dev eth0 local 10.99.0.3 dstport 4789 learning\n",
  );
  expect(overlayCommands()).toContain("addr add 10.200.255.1/16 dev vfleet0\n");
});
