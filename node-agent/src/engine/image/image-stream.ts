import { spawn } from "node:child_process";
import { request } from "node:https";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { IncomingMessage } from "node:http";
import type { TlsFiles } from "@vfleet/shared";
import { agentError } from "../../agent-error.ts";
import type { OpenImage } from "./image-store.ts";

/** zstd(1), fast: the network between hosts is faster than a better ratio is worth. */
const compress = ["zstd", "-1", "--stdout", "--quiet"];
const decompress = ["zstd", "--decompress", "--stdout", "--quiet", "--memory=128MB"];
const silenceMs = 30_000;

export function compressProgram(input: Readable): Readable {
  return throughProgram(compress, input);
}

/** Opens images of peers over mutually authenticated TLS; a peer is who its certificate says, or nothing is read. */
export function imageOpener(tls: TlsFiles): OpenImage {
  const credentials = {
    ca: readFileSync(tls.ca),
    cert: readFileSync(tls.certificate),
    key: readFileSync(tls.key),
    minVersion: "TLSv1.3" as const,
  };
  return (peer, digest) =>
    new Promise((resolve, reject) => {
      const asked = request({
        ...credentials,
        host: peer.endpoint.host,
        port: peer.endpoint.port,
        path: `/images/${encodeURIComponent(digest)}`,
        timeout: silenceMs,
        agent: false,
        checkServerIdentity: (_host, certificate) =>
          certificate.subject.CN === `node:${peer.node}`
            ? undefined
            : agentError("image-fetch-failed", {
                name: digest,
                reason: `"${String(certificate.subject.CN)}" answered for node "${peer.node}"`,
              }),
      });
      asked.once("error", reject);
      asked.once("timeout", () =>
        asked.destroy(agentError("image-fetch-failed", { name: digest, reason: `nothing came for ${silenceMs} ms` })),
      );
      asked.once("response", (response: IncomingMessage) => {
        if (response.statusCode !== 200) {
          response.resume();
          reject(agentError("image-fetch-failed", { name: digest, reason: `it answered ${response.statusCode}` }));
        } else resolve(throughProgram(decompress, response));
      });
      asked.end();
    });
}

/** A stream through a filter program. It ends only when input and program both ended well. */
function throughProgram([program = "", ...parameters]: readonly string[], input: Readable): Readable {
  const child = spawn(program, parameters, { stdio: ["pipe", "pipe", "ignore"] });
  const output = new PassThrough({ highWaterMark: 1 << 20 });
  const ended = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) =>
      code === 0 ? resolve() : reject(agentError("program-failed", { program, ending: `status ${code}`, output: "" })),
    );
  });
  child.stdout.pipe(output, { end: false });
  Promise.all([pipeline(input, child.stdin), ended]).then(
    () => output.end(),
    (thrown: unknown) => output.destroy(thrown instanceof Error ? thrown : new Error(String(thrown))),
  );
  output.once("close", () => {
    input.destroy();
    if (child.exitCode === null) child.kill("SIGKILL");
  });
  return output;
}
