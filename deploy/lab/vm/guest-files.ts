import type { HostLayout } from "../layout.ts";

/** What a virtual machine has on the machine's disk, beside what every host has. */
export function guestFiles({ guestFolder }: Pick<HostLayout, "guestFolder">) {
  return {
    initramfsFolder: `${guestFolder}/initramfs`,
    initramfs: `${guestFolder}/initramfs.cpio`,
    /** ext4: state of the programs. */
    stateDisk: `${guestFolder}/state.ext4`,
    /** Secret of the command server. */
    token: `${guestFolder}/token`,
    /** Sockets of the two file servers: all files of the machine, and the host's own folder. */
    machineSocket: `${guestFolder}/machine.sock`,
    hostSocket: `${guestFolder}/host.sock`,
  };
}
