import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { pack, type Header, type Pack } from "tar-stream";
import type { CheckpointContent } from "@vfleet/criu-bridge";
import { messageOf } from "@vfleet/shared";
import {
  configDump,
  configMember,
  manifestMember,
  partDigestRecord,
  volumeMember,
  volumePartBytes,
  volumePartName,
} from "./archive-format.ts";

/** A checkpoint as one tar, member after member. Cut where a member or the volume can't be read. */
export function packCheckpoint(content: CheckpointContent, volume: Readable): Readable {
  const archive = pack();
  fill(archive, content, volume).then(
    () => archive.finalize(),
    (thrown: unknown) => {
      volume.destroy();
      archive.destroy(thrown instanceof Error ? thrown : new Error(messageOf(thrown)));
    },
  );
  // tar-stream's own streams are not Node's.
  return Readable.from(archive, { objectMode: false, highWaterMark: 1 << 20 });
}

async function fill(archive: Pack, content: CheckpointContent, volume: Readable): Promise<void> {
  const { manifest } = content;
  const addText = (name: string, text: string) =>
    add(archive, { name, size: Buffer.byteLength(text) }, [Buffer.from(text)]);
  // How this host keeps it is of no use to another.
  await addText(manifestMember, JSON.stringify({ ...manifest, kept: undefined }, undefined, 1));
  await addText(configMember, configDump(manifest));
  for (const { name, bytes } of manifest.members) await add(archive, { name, size: bytes }, content.read(name));
  let parts = 0;
  let bytes = 0;
  for await (const part of inParts(volume)) {
    const pax = { [partDigestRecord]: createHash("sha256").update(part).digest("hex") };
    await add(archive, { name: volumePartName(parts), size: part.length, pax }, [part]);
    parts += 1;
    bytes += part.length;
  }
  await addText(volumeMember, JSON.stringify({ parts, bytes }));
}

async function add(
  archive: Pack,
  header: Partial<Header> & Pick<Header, "name">,
  content: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const entry = archive.entry({ mode: 0o600, mtime: new Date(0), ...header }, (error) =>
    error ? reject(error) : resolve(),
  );
  // Whoever reads may go away at any time.
  entry.once("error", reject);
  promise.catch(() => {});
  for await (const chunk of content) {
    if (entry.destroyed) break;
    if (!entry.write(chunk))
      await new Promise<void>((drained) => entry.once("drain", () => drained()).once("close", () => drained()));
  }
  entry.end(null);
  await promise;
}

async function* inParts(stream: Readable): AsyncIterable<Buffer> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    for (let rest = chunk; rest.length > 0;) {
      const taken = rest.subarray(0, volumePartBytes - keptBytes);
      rest = rest.subarray(taken.length);
      kept.push(taken);
      keptBytes += taken.length;
      if (keptBytes < volumePartBytes) continue;
      yield Buffer.concat(kept);
      kept = [];
      keptBytes = 0;
    }
  }
  if (keptBytes > 0) yield Buffer.concat(kept);
}
