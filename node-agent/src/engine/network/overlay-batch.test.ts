import { describe, expect, it } from "vitest";
import { forwardingLines, forwardingOf, noForwarding } from "./overlay-batch.ts";

const map = {
  peers: { here: "192.0.2.1", there: "192.0.2.2" },
  servers: { "02:00:00:00:00:01": "192.0.2.1", "02:00:00:00:00:02": "192.0.2.2" },
};
const own = "192.0.2.1";

describe("forwarding", () => {
  it("leaves out this host", () => {
    expect(forwardingLines(noForwarding, forwardingOf(map, own), "vx1")).toEqual([
      "fdb append 00:00:00:00:00:00 dev vx1 dst 192.0.2.2 self permanent",
      "fdb replace 02:00:00:00:00:02 dev vx1 dst 192.0.2.2 self dynamic",
    ]);
  });

  it("says nothing where nothing changed", () => {
    const forwarding = forwardingOf(map, own);
    expect(forwardingLines(forwarding, forwarding, "vx1")).toEqual([]);
  });

  it("takes away what is gone, and what moved here", () => {
    const moved = {
      peers: { here: own },
      servers: { "02:00:00:00:00:01": own, "02:00:00:00:00:02": own },
    };
    expect(forwardingLines(forwardingOf(map, own), forwardingOf(moved, own), "vx1")).toEqual([
      "fdb del 00:00:00:00:00:00 dev vx1 dst 192.0.2.2 self",
      "fdb del 02:00:00:00:00:02 dev vx1 dst 192.0.2.2 self",
    ]);
  });
});
