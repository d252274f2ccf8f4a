import { bareAddress, type BareHost } from "./bare-host.ts";
import type { Contender, Move } from "./contender.ts";
import { bundleConfig } from "./plain-bundle.ts";

const id = "bench";

/** `runc checkpoint`, the images copied as a tar over plain TCP, `runc restore`: what a script does. Images are on tmpfs. */
export class PlainRunc implements Contender {
  readonly system = "runc";
  readonly mode = "checkpoint-copy-restore";
  readonly #hosts: [BareHost, BareHost];

  constructor(hosts: [BareHost, BareHost]) {
    this.#hosts = hosts;
  }

  async start(): Promise<string> {
    await this.stop();
    for (const host of this.#hosts) {
      await host.prepareRoot();
      await host.does(`
        mkdir -p ${host.folder}/bundle
        cat > ${host.folder}/bundle/config.json <<'END'
${JSON.stringify(bundleConfig(host.rootFolder, `${host.folder}/criu.conf`))}
END
        printf 'network-lock nftables\\nmanage-cgroups ignore\\n' > ${host.folder}/criu.conf`);
    }
    const [first] = this.#hosts;
    await first.makeNetwork();
    await first.does(`
      runc --root ${first.folder}/runc run --detach --bundle ${first.folder}/bundle ${id} </dev/null >/dev/null 2>&1
      ${first.joinScript}`);
    return bareAddress;
  }

  async move(): Promise<Move> {
    const [source, target] = this.#hosts;
    await target.makeNetwork();
    const received = await target.listen(7001, `tar -C ${target.folder} -xf -`);
    const address = await target.underlayAddress();
    const started = performance.now();
    await source.does(`
      runc --root ${source.folder}/runc checkpoint --tcp-established --file-locks \\
        --work-path ${source.folder}/work --image-path ${source.folder}/images ${id}
      tar -C ${source.folder} -cf - images | socat -u - TCP:${address}:7001`);
    await received.done;
    await target.does(`
      runc --root ${target.folder}/runc restore --detach --tcp-established --file-locks \\
        --work-path ${target.folder}/work --image-path ${target.folder}/images --bundle ${target.folder}/bundle ${id} </dev/null >/dev/null 2>&1
      ${target.joinScript}`);
    const totalMs = performance.now() - started;
    const wireBytes = Number((await source.does(`du -sb ${source.folder}/images | cut -f1`)).trim());
    for (const host of [source, target]) await host.does(`rm -r --one-file-system ${host.folder}/images`);
    await source.removeNetwork();
    this.#hosts.reverse();
    return { totalMs, wireBytes };
  }

  async stop(): Promise<void> {
    for (const host of this.#hosts) {
      await host.tries(
        `runc --root ${host.folder}/runc delete --force ${id} 2>/dev/null; rm -rf --one-file-system ${host.folder}/images`,
      );
      await host.removeNetwork();
    }
  }
}
