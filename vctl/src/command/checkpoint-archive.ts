import { createReadStream, createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { checkpointKind, formatBytesForPeople, messageOf } from "@vfleet/shared";
import type { Command } from "commander";
import { connect } from "../api/connect.ts";
import { type Cli, print } from "../cli.ts";
import { fail } from "../fail.ts";
import { bar, Progress } from "../output/progress.ts";
import { pathOf } from "../resource/resource-type.ts";
import { followPhases } from "./checkpoint-follow.ts";

const followMs = 60_000;
const showMs = 200;

export function configureExport(command: Command, cli: Cli, nameOf: (word: string) => string): void {
  command
    .argument("<checkpoint>")
    .requiredOption("-o, --output <file>", "where it goes, such as cache.tar.zst")
    .action(async (word: string, { output }: { output: string }) => {
      const name = nameOf(word);
      const client = await connect(cli, command);
      const partial = `${output}.partial`;
      const path = pathOf(checkpointKind, { namespace: client.namespace, name, subresource: "archive" });
      const archive = await client.stream({ path, accept: "application/zstd", signal: cli.signal });
      const counted = counter(cli, undefined);
      try {
        await pipeline(archive, counted.stream, createWriteStream(partial, { mode: 0o600 }));
        await rename(partial, output);
      } catch (thrown) {
        await rm(partial, { force: true });
        throw fail("export-failed", { name, reason: messageOf(thrown) }, { cause: thrown });
      } finally {
        counted.end();
      }
      const size = formatBytesForPeople(counted.bytes());
      print(
        cli.output,
        `${checkpointKind.singular}/${name} is in ${output}: ${size}. What the server had in its memory is in it`,
      );
    });
}

export function configureImport(command: Command, cli: Cli): void {
  command
    .argument("<file>")
    .option("--name <name>", "of the checkpoint that is made; none: the file's")
    .option("--server <server>", "name of the server that it is said to be of; none: the checkpoint's")
    .option("--node <node>", "host that is to have it; none: the one with the fewest")
    .action(async (file: string, { name: wanted, server, node }: { name?: string; server?: string; node?: string }) => {
      const name = wanted ?? basename(file).replace(/\.tar(\.zst)?$/, "");
      const client = await connect(cli, command);
      const { size } = await stat(file).catch((thrown: unknown) => {
        throw fail("manifest-unreadable", { file, reason: messageOf(thrown) }, { cause: thrown });
      });
      const path = pathOf(checkpointKind, { namespace: client.namespace, name, subresource: "archive" });
      const counted = counter(cli, size);
      try {
        createReadStream(file, { highWaterMark: 1 << 20 })
          .on("error", (error) => counted.stream.destroy(error))
          .pipe(counted.stream);
        const answer = await client.upload({
          path,
          query: { server, node },
          content: counted.stream,
          contentType: "application/zstd",
          contentLength: size,
          signal: cli.signal,
        });
        answer.resume();
      } finally {
        counted.stream.destroy();
        counted.end();
      }
      await followPhases(cli, client, { type: checkpointKind, name, timeoutMs: followMs });
      print(
        cli.output,
        `${checkpointKind.singular}/${name} is ready: vctl checkpoint restore ${name} --as NEW makes a server of it`,
      );
    });
}

/** Shows how far it is, on a terminal. */
function counter(cli: Cli, total: number | undefined) {
  const progress = new Progress(cli.error);
  const beganMs = cli.environment.monotonicMs();
  let bytes = 0;
  let shownMs = 0;
  const stream = new Transform({
    highWaterMark: 1 << 20,
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      const nowMs = cli.environment.monotonicMs();
      if (nowMs - shownMs >= showMs) {
        shownMs = nowMs;
        const rate = `${formatBytesForPeople(Math.round((bytes * 1000) / Math.max(1, nowMs - beganMs)))}/s`;
        const far = total === undefined ? "" : `${bar(bytes, total)} `;
        progress.update(`${far}${formatBytesForPeople(bytes)}, ${rate}`);
      }
      done(null, chunk);
    },
  });
  return { stream, bytes: () => bytes, end: () => progress.clear() };
}
