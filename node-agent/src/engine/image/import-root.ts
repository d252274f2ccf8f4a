import { createHash } from "node:crypto";
import { spawn } from "node:child_process";
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import { Transform } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { createGunzip } from "node:zlib";
import { z } from "zod";
import { agentError } from "../../agent-error.ts";
import { readProgram } from "../program/stream-program.ts";

const unpackScript = fileURLToPath(new URL("unpack-root.ts", import.meta.url));
/** What ownership, modes and the change of root need; nothing else of the host's root is left to the child. */
const keptCapabilities = "-all,+chown,+dac_override,+fowner,+fsetid,+sys_chroot";
const refusalSchema = z.object({ member: z.string(), rule: z.string() });

/** Content of a root, by the SHA-256 of its uncompressed tar. */
export interface ImportedRoot {
  digest: string;
  sizeBytes: number;
}

/** Unpacks a root tar (plain, gzip or zstd) into an empty folder. Throws `image-archive-invalid`, naming member and rule. */
export async function importRoot(tarFile: string, folder: string): Promise<ImportedRoot> {
  const hash = createHash("sha256");
  let sizeBytes = 0;
  const measure = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      sizeBytes += chunk.length;
      done(null, chunk);
    },
  });
  const child = spawn(
    "setpriv",
    [
      `--bounding-set=${keptCapabilities}`,
      `--inh-caps=${keptCapabilities}`,
      "--no-new-privs",
      process.execPath,
      unpackScript,
      folder,
    ],
    {
      stdio: ["pipe", "ignore", "pipe"],
      env: { PATH: process.env["PATH"] ?? "" },
    },
  );
  let said = "";
  child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  const fed = pipeline(await openTar(tarFile), measure, child.stdin).then(
    () => undefined,
    (thrown: unknown) => {
      child.kill("SIGKILL");
      return thrown;
    },
  );
  const [status, feedFailure] = await Promise.all([ended, fed]);
  if (status !== 0 && said !== "") throw refusal(said);
  if (feedFailure !== undefined) throw feedFailure;
  if (status !== 0)
    throw agentError("program-failed", { program: "unpack-root", ending: `status ${status}`, output: said });
  return { digest: `sha256:${hash.digest("hex")}`, sizeBytes };
}

function refusal(said: string): Error {
  const lastLine = said.trim().split("\n").at(-1) ?? "";
  try {
    return agentError("image-archive-invalid", refusalSchema.parse(JSON.parse(lastLine)));
  } catch {
    return agentError("program-failed", { program: "unpack-root", ending: "status 1", output: lastLine });
  }
}

const magicOf = { gzip: Buffer.from([0x1f, 0x8b]), zstd: Buffer.from([0x28, 0xb5, 0x2f, 0xfd]) };

async function openTar(file: string): Promise<Readable> {
  const magic = Buffer.alloc(4);
  const handle = await open(file, "r");
  try {
    await handle.read(magic, 0, 4, 0);
  } finally {
    await handle.close();
  }
  // A window larger than what is needed for real archives is refused: it is memory of ours.
  if (magic.equals(magicOf.zstd))
    return readProgram(["zstd", "--decompress", "--stdout", "--memory=128MB", "--quiet", file]);
  if (magic.subarray(0, 2).equals(magicOf.gzip)) return createReadStream(file).pipe(createGunzip());
  return createReadStream(file, { highWaterMark: 1 << 20 });
}
