import { existsSync } from "node:fs";
import { mkdir, readFile, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { z } from "zod";
import { codeOf, messageOf, writeDurably } from "@vfleet/shared";
import type { AgentConfig, Environment, ImageAssignment, ImageReport, Logger } from "@vfleet/shared";
import { agentError } from "../../agent-error.ts";
import type { VolumeDriver } from "../volume/volume-driver.ts";
import { buildDebianRoot } from "./build-debian-root.ts";
import { importRoot } from "./import-root.ts";

/** Opens a peer's stream of an image; the stream fails where it isn't whole. */
export type OpenImage = (peer: ImageAssignment["peers"][number], digest: string) => Promise<Readable>;

/** Without a source it can only be fetched. */
export type WantedImage = Omit<ImageAssignment, "source"> & Partial<Pick<ImageAssignment, "source">>;

export interface ImageStoreOptions {
  config: Pick<AgentConfig, "imageCacheFolder" | "packageProxy" | "stateFolder">;
  scratchFolder: string;
  volumes: VolumeDriver;
  environment: Environment;
  log: Logger;
  openImage: OpenImage;
  onChange: () => void;
}

const retryMs = 10_000;
/** Names of images made here, with digest, size and what they were made from: the controller may not have heard yet when the agent is started again. */
const madeSchema = z.record(
  z.string(),
  z.object({ digest: z.string(), sizeBytes: z.number(), source: z.string().optional() }),
);

/** Brings images to this node: builds, imports, or fetches them from a peer. One piece of work per image at a time. */
export class ImageStore {
  readonly #options: ImageStoreOptions;
  readonly #reports = new Map<string, ImageReport>();
  readonly #work = new Map<string, Promise<void>>();
  #made: z.infer<typeof madeSchema> = {};

  constructor(options: ImageStoreOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    const { scratchFolder } = this.#options;
    if (existsSync(this.#madeFile)) this.#made = madeSchema.parse(JSON.parse(await readFile(this.#madeFile, "utf8")));
    for (const name of await readdir(scratchFolder))
      await rm(join(scratchFolder, name), { recursive: true, force: true });
  }

  reports(): ImageReport[] {
    return [...this.#reports.values()];
  }

  /** Level-triggered: begins what isn't there or under way; images that are no longer wanted stay until they are pruned. */
  want(images: readonly ImageAssignment[]): void {
    const names = new Set(images.map(({ name }) => name));
    for (const name of this.#reports.keys()) {
      if (!names.has(name) && !this.#work.has(name)) this.#reports.delete(name);
    }
    for (const image of images) this.ensure(image).catch(() => undefined); // reported, and tried again with the next assignment
  }

  /** Resolves when the image is here. */
  ensure(image: WantedImage): Promise<void> {
    const existing = this.#work.get(image.name);
    if (existing !== undefined) return existing;
    const work = this.#ensure(image).finally(() => this.#work.delete(image.name));
    this.#work.set(image.name, work);
    return work;
  }

  get #madeFile(): string {
    return join(this.#options.config.stateFolder, "images.json");
  }

  async #ensure(image: WantedImage): Promise<void> {
    const { volumes, log } = this.#options;
    const known = this.#made[image.name];
    // An image of the same name may have been made anew, from something else.
    const isSame = image.source === undefined || known?.source === JSON.stringify(image.source);
    const made = isSame ? known : undefined;
    const digest = image.digest ?? made?.digest;
    if (digest !== undefined && (await volumes.hasImage(digest))) {
      const sizeBytes = made?.digest === digest ? made.sizeBytes : undefined;
      this.#report({ name: image.name, phase: "Ready", digest, ...(sizeBytes === undefined ? {} : { sizeBytes }) });
      return;
    }
    const { environment } = this.#options;
    const beganMs = environment.monotonicMs();
    try {
      if (image.digest !== undefined && image.peers.length > 0) await this.#fetch(image, image.digest);
      else await this.#make(image);
      log.info({ image: image.name, tookMs: Math.round(environment.monotonicMs() - beganMs) }, "image ready");
    } catch (thrown) {
      log.warn({ image: image.name, code: codeOf(thrown), err: thrown }, "image not made");
      this.#report({ name: image.name, phase: "Failed", message: messageOf(thrown) });
      this.#retryLater(image);
      throw thrown;
    }
  }

  #retryLater(image: WantedImage): void {
    void this.#options.environment.sleep(retryMs).then(() => {
      if (this.#reports.get(image.name)?.phase === "Failed") return this.ensure(image).catch(() => undefined);
      return undefined;
    });
  }

  async #fetch(image: WantedImage, digest: string): Promise<void> {
    this.#report({ name: image.name, phase: "Fetching", digest });
    const reasons: string[] = [];
    for (const peer of image.peers) {
      try {
        await this.#options.volumes.receiveImage(digest, await this.#options.openImage(peer, digest));
        this.#report({ name: image.name, phase: "Ready", digest });
        return;
      } catch (thrown) {
        reasons.push(`${peer.node}: ${messageOf(thrown)}`);
      }
    }
    throw agentError("image-fetch-failed", { name: image.name, reason: reasons.join("; ") });
  }

  async #make(image: WantedImage): Promise<void> {
    const { volumes, scratchFolder, environment, config } = this.#options;
    if (image.source === undefined)
      throw agentError("image-fetch-failed", { name: image.name, reason: "no node is known to hold it" });
    this.#report({ name: image.name, phase: "Building" });
    const scratch = join(scratchFolder, environment.id());
    await mkdir(scratch, { recursive: true, mode: 0o700 });
    const draft = await volumes.draftImage();
    try {
      const tarFile =
        "tar" in image.source
          ? image.source.tar.path
          : await buildDebianRoot({
              recipe: image.source.debootstrap,
              scratchFolder: scratch,
              cacheFolder: config.imageCacheFolder,
              packageProxy: config.packageProxy,
            });
      const { digest, sizeBytes } = await importRoot(tarFile, draft.folder);
      if (image.digest !== undefined && image.digest !== digest) {
        throw agentError("image-digest-wrong", { name: image.name, wanted: image.digest, got: digest });
      }
      await draft.seal(digest);
      this.#made = { ...this.#made, [image.name]: { digest, sizeBytes, source: JSON.stringify(image.source) } };
      await writeDurably(this.#madeFile, JSON.stringify(this.#made));
      this.#report({ name: image.name, phase: "Ready", digest, sizeBytes });
    } catch (thrown) {
      await draft.discard();
      throw thrown;
    } finally {
      await rm(scratch, { recursive: true, force: true });
    }
  }

  #report(report: ImageReport): void {
    this.#reports.set(report.name, report);
    this.#options.onChange();
  }
}
