import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { Readable } from "node:stream";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { BoxCheck } from "../../checks/box-check.ts";
import type { VolumeDriver } from "./volume-driver.ts";

export interface VolumeContractOptions {
  /** Opened. */
  driver: () => VolumeDriver;
  /** Of another file system, opened: what one sends the other receives. */
  other: () => VolumeDriver;
}

const mebibyte = 1 << 20;
const image = "sha256:0123";

/** What every volume driver has to do. In order: later checks use what earlier ones made. */
export function volumeDriverContract({ driver, other }: VolumeContractOptions): BoxCheck[] {
  const file = (name: string, from = driver()) => join(from.volumeFolder(name), "file");
  return [
    {
      name: "keeps a sealed image by its digest",
      run: async () => {
        const draft = await driver().draftImage();
        await writeFile(join(draft.folder, "file"), "of the image");
        await draft.seal(image);
        deepEqual(await driver().listImages(), [image]);
      },
    },
    {
      name: "forgets a discarded draft",
      run: async () => {
        await (await driver().draftImage()).discard();
        deepEqual(await driver().listImages(), [image]);
      },
    },
    {
      name: "makes volumes that don't see each other's changes",
      run: async () => {
        await driver().createVolume("a", { image, limitBytes: 64 * mebibyte });
        await driver().createVolume("b", { image, limitBytes: 64 * mebibyte });
        await writeFile(file("a"), "changed");
        equal(await readFile(file("b"), "utf8"), "of the image");
        deepEqual(await driver().listVolumes(), ["a", "b"]);
      },
    },
    {
      name: "refuses a volume of an image it hasn't",
      run: () =>
        rejects(driver().createVolume("c", { image: "sha256:99", limitBytes: mebibyte }), { code: "image-missing" }),
    },
    {
      name: "refuses names that leave its folder",
      run: async () => {
        for (const name of ["../a", "a/b", "", ".hidden", "a\0"])
          await rejects(driver().deleteVolume(name), { code: "volume-name-invalid" });
      },
    },
    {
      name: "doesn't let a volume grow past its limit",
      run: async () => {
        await rejects(writeFile(join(driver().volumeFolder("b"), "large"), Buffer.alloc(80 * mebibyte)));
        await rm(join(driver().volumeFolder("b"), "large"));
        ok((await driver().volumeUsageBytes("b")) <= 64 * mebibyte);
      },
    },
    {
      name: "lets a volume grow to a raised limit",
      run: async () => {
        await driver().limitVolume("b", 200 * mebibyte);
        await writeFile(join(driver().volumeFolder("b"), "large"), Buffer.alloc(80 * mebibyte));
      },
    },
    {
      name: "sends a snapshot to another file system, then only what differs",
      run: async () => {
        await driver().takeSnapshot("a", "a-1");
        await other().receiveSnapshot("a-1", driver().sendSnapshot("a-1"));
        await writeFile(file("a"), "changed again");
        await driver().takeSnapshot("a", "a-2");
        let sentBytes = 0;
        const difference = driver().sendSnapshot("a-2", { snapshot: "a-1" });
        const counted = async function* () {
          for await (const chunk of difference as AsyncIterable<Buffer>) {
            sentBytes += chunk.length;
            yield chunk;
          }
        };
        await other().receiveSnapshot("a-2", Readable.from(counted(), { objectMode: false }));
        await other().createVolumeFromSnapshot("a", { snapshot: "a-2", limitBytes: 64 * mebibyte });
        equal(await readFile(file("a", other()), "utf8"), "changed again");
        ok(sentBytes < mebibyte);
      },
    },
    {
      name: "sends a volume against an image that both hold",
      run: async () => {
        await other().receiveImage(image, driver().sendImage(image));
        equal(await other().imageLineage(image), await driver().imageLineage(image));
        await other().receiveSnapshot("a-3", driver().sendSnapshot("a-2", { image }));
        deepEqual(await other().listSnapshots(), ["a-1", "a-2", "a-3"]);
      },
    },
    {
      name: "keeps nothing of a stream that is cut",
      run: async () => {
        const cut = async function* () {
          yield Buffer.from("btrfs-stream\0");
          throw new Error("cut");
        };
        await rejects(other().receiveSnapshot("a-4", Readable.from(cut())));
        await rejects(other().receiveSnapshot("a-5", Readable.from([Buffer.from("no stream at all")])));
        deepEqual(await other().listSnapshots(), ["a-1", "a-2", "a-3"]);
      },
    },
    {
      name: "deletes what is there, and is done with what isn't",
      run: async () => {
        for (const snapshot of ["a-1", "a-2", "none"]) await driver().deleteSnapshot(snapshot);
        for (const volume of ["a", "b", "none"]) await driver().deleteVolume(volume);
        deepEqual([await driver().listSnapshots(), await driver().listVolumes()], [[], []]);
      },
    },
    {
      name: "removes at the start what a crash left half made, and nothing else",
      run: async () => {
        await driver().draftImage();
        equal((await driver().open()).length, 1);
        deepEqual(await driver().listImages(), [image]);
      },
    },
  ];
}
