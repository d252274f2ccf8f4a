import { spawn } from "node:child_process";
import { request } from "node:https";
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { IncomingMessage } from "node:http";
import type { Endpoint, TlsFiles } from "@vfleet/shared";
import { agentError } from "../../agent-error.ts";
import type { OpenImage } from "./image-store.ts";

/** zstd(1), fast: the network between hosts is faster than a better ratio is worth. */
const compress = ["zstd", "-1", "--stdout", "--quiet"];
/** Nobody, with no rights: what it reads comes from elsewhere. A larger window than this is refused. */
const decompress = [
  "setpriv",
  "--reuid=65534",
  "--regid=65534",
  "--clear-groups",
  "--bounding-set=-all",
  "--inh-caps=-all",
  "--no-new-privs",
  "zstd",
  "--decompress",
  "--stdout",
  "--quiet",
  "--memory=128MB",
];
const silenceMs = 30_000;

export function compressProgram(input: Readable): Readable {
  return throughProgram(compress, input);
}

export function decompressProgram(input: Readable): Readable {
  return throughProgram(decompress, input);
}

/** Opens images of peers. */
export function imageOpener(tls: TlsFiles): OpenImage {
  return (peer, digest) => openPeerStream(tls, peer, `/images/${encodeURIComponent(digest)}`);
}

/** What a peer has at a path, decompressed, over mutually authenticated TLS; a peer is who its certificate says, or nothing is read. */
export function openPeerStream(
  tls: TlsFiles,
  peer: { node: string; endpoint: Endpoint },
  path: string,
): Promise<Readable> {
  const refused = (reason: string) => agentError("peer-stream-refused", { node: peer.node, path, reason });
  return new Promise((resolve, reject) => {
    const asked = request({
      ca: readFileSync(tls.ca),
      cert: readFileSync(tls.certificate),
      key: readFileSync(tls.key),
      minVersion: "TLSv1.3",
      host: peer.endpoint.host,
      port: peer.endpoint.port,
      path,
      timeout: silenceMs,
      agent: false,
      checkServerIdentity: (_host, certificate) =>
        certificate.subject.CN === `node:${peer.node}`
          ? undefined
          : refused(`"${String(certificate.subject.CN)}" answered`),
    });
    asked.once("error", reject);
    asked.once("timeout", () => asked.destroy(refused(`nothing came for ${silenceMs} ms`)));
    asked.once("response", (response: IncomingMessage) => {
      if (response.statusCode === 200) return resolve(decompressProgram(response));
      response.resume();
      return reject(refused(`it answered ${response.statusCode}`));
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
