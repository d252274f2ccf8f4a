import { underlayMac } from "../address.ts";

export interface GuestMachine {
  readonly host: string;
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly initramfs: string;
  /** See `initArguments`. */
  readonly init: readonly string[];
  readonly consoleLog: string;
  readonly machineSocket: string;
  readonly hostSocket: string;
  /** Raw disk images, in the order in which the guest sees them. */
  readonly disks: readonly string[];
}

/** Command line of qemu-system(1). The tap link has the host's name, as the cables of boxes do. */
export function qemuArguments(guest: GuestMachine): readonly string[] {
  const { host, memoryBytes, disks } = guest;
  const memoryMib = Math.floor(memoryBytes / 1024 ** 2);
  const append = ["console=ttyS0", "quiet", "panic=-1", "net.ifnames=0", "--", ...guest.init].join(" ");
  const options = [
    ["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"],
    // Emulated in software, on every machine alike: that a machine has KVM does not say that it works.
    ["-accel", "tcg", "-cpu", "max", "-smp", "1", "-m", `${memoryMib}M`],
    // Shared, so that the file servers reach it: vhost-user works on the guest's memory.
    ["-object", `memory-backend-memfd,id=memory,size=${memoryMib}M,share=on`],
    ["-machine", "q35,memory-backend=memory"],
    ["-kernel", guest.kernel, "-initrd", guest.initramfs, "-append", append],
    ["-serial", `file:${guest.consoleLog}`],
    ["-device", "virtio-rng-pci"],
    ["-netdev", `tap,id=underlay,ifname=${host},script=no,downscript=no`],
    ["-device", `virtio-net-pci,netdev=underlay,mac=${underlayMac(host)},romfile=`],
    ...disks.map((file, index) => [
      "-drive",
      `if=none,id=disk${index},format=raw,cache=writeback,discard=unmap,file=${file}`,
      "-device",
      `virtio-blk-pci,drive=disk${index}`,
    ]),
    fileShare("machine", guest.machineSocket),
    fileShare("host", guest.hostSocket),
  ];
  return ["qemu-system-x86_64", ...options.flat()];
}

function fileShare(tag: string, socket: string): string[] {
  return ["-chardev", `socket,id=${tag},path=${socket}`, "-device", `vhost-user-fs-pci,chardev=${tag},tag=${tag}`];
}

/**
 * Command line of virtiofsd(1), the one that comes with QEMU. What a guest has read of the machine's files it keeps; of the
 * host's own folder, where tests arm failpoints and read logs, it keeps nothing.
 */
export function fileServerArguments(share: {
  readonly program: string;
  readonly folder: string;
  readonly socket: string;
  readonly keeps: boolean;
}): readonly string[] {
  const { program, folder, socket, keeps } = share;
  const cache = keeps ? "always" : "none";
  return [
    program,
    `--socket-path=${socket}`,
    "-o",
    `source=${folder},cache=${cache},sandbox=chroot`,
    // Raising it takes a right that a machine in a container may not have.
    "--rlimit-nofile=0",
  ];
}
