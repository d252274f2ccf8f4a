import { bareAddress, type BareHost } from "./bare-host.ts";
import type { Contender, Move } from "./contender.ts";

const name = "bench";
const image = "localhost/bench";

/** `podman container checkpoint --export`, the archive copied over plain TCP, `podman container restore --import`. */
export class Podman implements Contender {
  readonly system = "podman";
  readonly mode = "checkpoint-export-import";
  readonly #hosts: [BareHost, BareHost];

  constructor(hosts: [BareHost, BareHost]) {
    this.#hosts = hosts;
  }

  /** A store of its own on each host. Its defaults for limits ask for more than a root without CAP_SYS_RESOURCE may give. */
  #podman(host: BareHost): string {
    return `podman --root ${host.diskFolder}/podman --runroot ${host.folder}/podman --tmpdir ${host.folder}/podman-tmp --storage-driver overlay --runtime runc --cgroup-manager cgroupfs --events-backend none`;
  }

  async start(): Promise<string> {
    await this.stop();
    await this.#haveImage();
    const [first] = this.#hosts;
    await first.makeNetwork();
    await first.does(`
      ${this.#podman(first)} run -d --name ${name} --ulimit nofile=20000:20000 --ulimit nproc=1000:1000 --network ns:/run/netns/bench \\
        ${image} redis-server --bind 0.0.0.0 --protected-mode no --save '' --dir /tmp >/dev/null
      ${first.joinScript}`);
    return bareAddress;
  }

  /** The same image on both hosts, by its id too: the archive of a checkpoint names it. */
  async #haveImage(): Promise<void> {
    const [first, second] = this.#hosts;
    const isThere = async (host: BareHost) =>
      (await host.tries(`${this.#podman(host)} image exists ${image}`)).code === 0;
    if ((await isThere(first)) && (await isThere(second))) return;
    const archive = `${first.diskFolder}/image.tar`;
    await first.prepareRoot();
    await first.does(`tar -C ${first.rootFolder} -cf - . | ${this.#podman(first)} import - ${image} >/dev/null
      ${this.#podman(first)} save -q -o ${archive} ${image} >/dev/null`);
    await second.does(`${this.#podman(second)} load -q -i ${archive} >/dev/null; rm ${archive}`);
  }

  async move(): Promise<Move> {
    const [source, target] = this.#hosts;
    await target.makeNetwork();
    const received = await target.listen(7002, `dd of=${target.folder}/checkpoint.tar.zst bs=1M status=none`);
    const address = await target.underlayAddress();
    const started = performance.now();
    await source.does(`
      ${this.#podman(source)} container checkpoint --tcp-established --file-locks --compress zstd -e ${source.folder}/checkpoint.tar.zst ${name} >/dev/null
      socat -u OPEN:${source.folder}/checkpoint.tar.zst TCP:${address}:7002`);
    await received.done;
    await target.does(`
      ${this.#podman(target)} container restore --tcp-established --file-locks -i ${target.folder}/checkpoint.tar.zst >/dev/null
      ${target.joinScript}`);
    const totalMs = performance.now() - started;
    const wireBytes = Number((await source.does(`stat -c %s ${source.folder}/checkpoint.tar.zst`)).trim());
    await source.tries(`${this.#podman(source)} rm -f ${name} >/dev/null`);
    for (const host of [source, target]) await host.does(`rm -f ${host.folder}/checkpoint.tar.zst`);
    await source.removeNetwork();
    this.#hosts.reverse();
    return { totalMs, wireBytes };
  }

  async stop(): Promise<void> {
    for (const host of this.#hosts) {
      await host.tries(`${this.#podman(host)} rm -f ${name} >/dev/null 2>&1; rm -f ${host.folder}/checkpoint.tar.zst`);
      await host.removeNetwork();
    }
  }
}
