import { expect, it } from "vitest";
import { moduleFiles } from "./initramfs.ts";

it("takes the modules in the order in which they must be loaded", () => {
  const shown = "insmod /lib/virtio_ring.ko \nbuiltin ext4\ninsmod /lib/virtio.ko option=1\n";
  expect(moduleFiles(shown)).toEqual(["/lib/virtio_ring.ko", "/lib/virtio.ko"]);
});
