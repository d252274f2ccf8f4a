import { existsSync } from "node:fs";
import { mkdir, readdir, rename, rmdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Environment } from "@vfleet/shared";
import { agentError } from "../../agent-error.ts";
import { readProgram, writeProgram } from "../program/stream-program.ts";
import { runProgram, tryProgram } from "../program/run-program.ts";
import { btrfsArguments, findForeign, parseLineage, parseReferredBytes } from "./btrfs-arguments.ts";
import type { ImageDraft, SendBase, VolumeDriver, VolumeFeatures } from "./volume-driver.ts";

/** statfs(2) */
const btrfsMagic = 0x9123683e;
/** The subvolume of every image, volume and snapshot. A read-only one can't change folders, so the folder around it is renamed. */
const subvolume = "root";
const halfMade = ".partial";
const namePattern = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,120}$/;

/** Images, volumes and snapshots as subvolumes of one btrfs file system: `images/DIGEST/root`, `servers/NAME/root`, `snapshots/NAME/root`. */
export class BtrfsVolumeDriver implements VolumeDriver {
  readonly features: VolumeFeatures = { quota: true, incrementalSend: true };
  readonly #folder: string;
  readonly #environment: Environment;

  constructor(folder: string, environment: Environment) {
    this.#folder = folder;
    this.#environment = environment;
  }

  async open(): Promise<string[]> {
    const { type } = await statfs(this.#folder);
    if (type !== btrfsMagic) {
      throw agentError("volumes-not-btrfs", { folder: this.#folder, found: `0x${type.toString(16)}` });
    }
    await runProgram(btrfsArguments.enableQuota(this.#folder));
    const removed: string[] = [];
    for (const kind of ["images", "servers", "snapshots"]) {
      const folder = join(this.#folder, kind);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      for (const name of await readdir(folder)) {
        if (!name.endsWith(halfMade) && existsSync(join(folder, name, subvolume))) continue;
        await this.#remove(join(folder, name));
        removed.push(`${kind}/${name}`);
      }
    }
    return removed;
  }

  async draftImage(): Promise<ImageDraft> {
    const around = join(this.#folder, "images", `${this.#environment.id()}${halfMade}`);
    await this.#make(around, (folder) => runProgram(btrfsArguments.createSubvolume(folder)));
    const folder = join(around, subvolume);
    return {
      folder,
      seal: async (digest) => {
        await runProgram(btrfsArguments.setReadOnly(folder));
        await this.#keep(around, this.#place("images", digest));
      },
      discard: () => this.#remove(around),
    };
  }

  async hasImage(digest: string): Promise<boolean> {
    return existsSync(join(this.#place("images", digest), subvolume));
  }

  async listImages(): Promise<string[]> {
    return this.#list("images");
  }

  sendImage(digest: string): Readable {
    return readProgram(btrfsArguments.send(join(this.#place("images", digest), subvolume)));
  }

  async receiveImage(digest: string, stream: Readable): Promise<void> {
    return this.#receive("images", digest, stream);
  }

  async deleteImage(digest: string): Promise<void> {
    return this.#remove(this.#place("images", digest));
  }

  async imageLineage(digest: string): Promise<string | undefined> {
    const { stdout } = await runProgram(btrfsArguments.show(join(this.#place("images", digest), subvolume)));
    return parseLineage(stdout);
  }

  async createVolume(name: string, from: { image: string; limitBytes: number }): Promise<void> {
    if (!(await this.hasImage(from.image))) throw agentError("image-missing", { digest: from.image });
    await this.#copy(join(this.#place("images", from.image), subvolume), name, from.limitBytes);
  }

  async createVolumeFromSnapshot(name: string, from: { snapshot: string; limitBytes: number }): Promise<void> {
    await this.#copy(join(this.#place("snapshots", from.snapshot), subvolume), name, from.limitBytes);
  }

  async hasVolume(name: string): Promise<boolean> {
    return existsSync(this.volumeFolder(name));
  }

  async listVolumes(): Promise<string[]> {
    return this.#list("servers");
  }

  volumeFolder(name: string): string {
    return join(this.#place("servers", name), subvolume);
  }

  async limitVolume(name: string, limitBytes: number): Promise<void> {
    await runProgram(btrfsArguments.limit(this.volumeFolder(name), limitBytes));
  }

  async volumeUsageBytes(name: string): Promise<number> {
    const { stdout } = await runProgram(btrfsArguments.showGroup(this.volumeFolder(name)));
    return parseReferredBytes(stdout) ?? 0;
  }

  async deleteVolume(name: string): Promise<void> {
    return this.#remove(this.#place("servers", name));
  }

  async takeSnapshot(volume: string, snapshot: string): Promise<void> {
    const place = this.#place("snapshots", snapshot);
    await this.#make(place, (folder) =>
      runProgram(btrfsArguments.snapshot(this.volumeFolder(volume), folder, { readOnly: true })),
    );
  }

  sendSnapshot(snapshot: string, base?: SendBase): Readable {
    const parent =
      base === undefined
        ? undefined
        : "snapshot" in base
          ? this.#place("snapshots", base.snapshot)
          : this.#place("images", base.image);
    const folder = join(this.#place("snapshots", snapshot), subvolume);
    return readProgram(btrfsArguments.send(folder, parent === undefined ? undefined : join(parent, subvolume)));
  }

  async receiveSnapshot(snapshot: string, stream: Readable): Promise<void> {
    return this.#receive("snapshots", snapshot, stream);
  }

  async importSnapshot(snapshot: string, stream: Readable): Promise<void> {
    return this.#receive("snapshots", snapshot, stream, async (around) => {
      const { stdout } = await runProgram(findForeign(join(around, subvolume)));
      if (stdout !== "") throw agentError("volume-stream-refused", { file: stdout });
    });
  }

  async listSnapshots(): Promise<string[]> {
    return this.#list("snapshots");
  }

  async deleteSnapshot(snapshot: string): Promise<void> {
    return this.#remove(this.#place("snapshots", snapshot));
  }

  /** A volume appears whole, with its limit, or not at all. */
  async #copy(from: string, name: string, limitBytes: number): Promise<void> {
    const place = this.#place("servers", name);
    const around = `${place}${halfMade}`;
    await this.#remove(around);
    await this.#make(around, async (folder) => {
      await runProgram(btrfsArguments.snapshot(from, folder, { readOnly: false }));
      await runProgram(btrfsArguments.limit(folder, limitBytes));
    });
    await rename(around, place);
  }

  async #receive(
    kind: string,
    name: string,
    stream: Readable,
    judge?: (around: string) => Promise<void>,
  ): Promise<void> {
    const place = this.#place(kind, name);
    const around = `${place}.${this.#environment.id().slice(0, 8)}${halfMade}`;
    await mkdir(around, { mode: 0o700 });
    try {
      const { receive, receiveConfined } = btrfsArguments;
      await writeProgram(judge === undefined ? receive(around) : receiveConfined(around), stream);
      await judge?.(around);
      await this.#keep(around, place);
    } catch (thrown) {
      await this.#remove(around);
      throw thrown;
    }
  }

  async #make(around: string, make: (folder: string) => Promise<unknown>): Promise<void> {
    await mkdir(around, { mode: 0o700 });
    try {
      await make(join(around, subvolume));
    } catch (thrown) {
      await this.#remove(around);
      throw thrown;
    }
  }

  async #keep(around: string, place: string): Promise<void> {
    if (existsSync(place)) await this.#remove(around);
    else await rename(around, place);
  }

  async #remove(around: string): Promise<void> {
    if (!existsSync(around)) return;
    const folder = join(around, subvolume);
    if (existsSync(folder)) {
      const id = (await runProgram(btrfsArguments.subvolumeId(folder))).stdout.trim();
      await runProgram(btrfsArguments.delete(folder));
      // Newer kernels drop the quota group themselves, and refuse to before the subvolume is cleaned.
      await tryProgram(btrfsArguments.destroyGroup(id, this.#folder));
    }
    // Not recursive: whatever else is in there was not put there by us.
    await rmdir(around);
  }

  async #list(kind: string): Promise<string[]> {
    const names = await readdir(join(this.#folder, kind));
    return names.filter((name) => !name.endsWith(halfMade)).toSorted();
  }

  #place(kind: string, name: string): string {
    if (!namePattern.test(name)) throw agentError("volume-name-invalid", { name });
    return join(this.#folder, kind, name);
  }
}
