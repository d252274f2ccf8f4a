import { expect, it } from "vitest";
import { fileServerArguments, qemuArguments } from "./qemu-arguments.ts";

const guest = {
  host: "host-2",
  memoryBytes: 1536 * 1024 ** 2,
  kernel: "/k",
  initramfs: "/i",
  init: ["/start.sh", "/var/host-2"],
  consoleLog: "/console.log",
  machineSocket: "/m.sock",
  hostSocket: "/h.sock",
  disks: ["/state", "/volumes"],
};

it("boots the kernel with the disks in order, on the link that the partitions know", () => {
  const text = qemuArguments(guest).join(" ");
  expect(text).toContain("-m 1536M ");
  expect(text).toContain("-- /start.sh /var/host-2 ");
  expect(text).toContain("ifname=host-2,");
  expect(text).toContain("mac=02:76:66:63:00:0c");
  expect(text.indexOf("file=/state")).toBeLessThan(text.indexOf("file=/volumes"));
});

it("shares its memory with the file servers, of which only one lets the guest keep what it has read", () => {
  expect(qemuArguments(guest)).toContain("memory-backend-memfd,id=memory,size=1536M,share=on");
  const server = { program: "/virtiofsd", folder: "/", socket: "/m.sock" };
  expect(fileServerArguments({ ...server, keeps: true })).toContain("source=/,cache=always,sandbox=chroot");
  expect(fileServerArguments({ ...server, keeps: false })).toContain("source=/,cache=none,sandbox=chroot");
});
