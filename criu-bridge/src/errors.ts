import { errorRegistry } from "@vfleet/shared/basics";

const quoted = (name: string) => JSON.stringify(name);

/** Everything the bridge reports, by stable code. */
export const fail = errorRegistry({
  "dump-failed": (p: { server: string; reason: string }) => `Cannot dump ${quoted(p.server)}: ${p.reason}`,
  "restore-failed": (p: { server: string; reason: string }) => `Cannot restore ${quoted(p.server)}: ${p.reason}`,
  "volume-failed": (p: { server: string; reason: string }) =>
    `Cannot move the volume of ${quoted(p.server)}: ${p.reason}`,
  "lazy-pages-failed": (p: { server: string; reason: string }) =>
    `Cannot fill the memory of ${quoted(p.server)}: ${p.reason}`,
  "memory-not-filled": (p: { errno: number }) => `Cannot put pages into a process: error ${p.errno} of userfaultfd`,
  "memory-event-unknown": (p: { kind: number }) =>
    `Cannot fill memory: userfaultfd tells of an unknown event ${p.kind}`,
  "restorer-protocol": (p: { reason: string }) => `Cannot fill what CRIU restores: ${p.reason}`,
  "memory-unreadable": (p: { address: string; wanted: number; bytes: number }) =>
    `Cannot read ${p.wanted} bytes of memory at ${p.address}: got ${p.bytes}`,
  "post-copy-lost": (p: { server: string; reason: string }) =>
    `Lost what ran of ${quoted(p.server)} before all of its memory was at the target: ${p.reason}`,
  "post-copy-stalled": (p: { peer: string; limitMs: number }) =>
    `Lost the migration stream with ${quoted(p.peer)}: nothing came for ${p.limitMs} ms`,
  "checkpoint-failed": (p: { server: string; reason: string }) =>
    `Cannot take a checkpoint of ${quoted(p.server)}: ${p.reason}`,
  "checkpoint-no-room": (p: { server: string; folder: string; wantedBytes: number; freeBytes: number }) =>
    `Cannot take a checkpoint of ${quoted(p.server)}: ${p.wantedBytes} bytes are needed in ${p.folder}, found ${p.freeBytes}`,
  "checkpoint-missing": (p: { checkpoint: string }) =>
    `Cannot use checkpoint ${quoted(p.checkpoint)}: it is not on this host`,
  "checkpoint-damaged": (p: { checkpoint: string; member: string; reason: string }) =>
    `Cannot use checkpoint ${quoted(p.checkpoint)}: ${quoted(p.member)} ${p.reason}`,
  "checkpoint-version": (p: { checkpoint: string; found: number; known: number }) =>
    `Cannot use checkpoint ${quoted(p.checkpoint)}: format version ${p.known} is known, found ${p.found}`,
  "checkpoint-key-unusable": (p: { file: string; reason: string }) =>
    `Cannot use the key for checkpoints in ${quoted(p.file)}: ${p.reason}`,
  "checkpoint-key-missing": (p: { checkpoint: string; keyId: string }) =>
    `Cannot use checkpoint ${quoted(p.checkpoint)}: it is encrypted with key ${p.keyId}, and this host has none (checkpoints.encryptionKeyFile)`,
  "checkpoint-key-wrong": (p: { checkpoint: string; keyId: string; found: string }) =>
    `Cannot use checkpoint ${quoted(p.checkpoint)}: it is encrypted with key ${p.keyId}, this host has ${p.found}`,
  "versions-differ": (p: { what: string; source: string; target: string }) =>
    `Cannot migrate between these hosts: ${p.what} must be the same, source has ${p.source}, target has ${p.target}`,
  "program-unusable": (p: { program: string; reason: string }) => `Cannot use ${quoted(p.program)}: ${p.reason}`,
  "page-server-protocol": (p: { reason: string }) => `Cannot take pages from CRIU: ${p.reason}`,
  "stream-invalid": (p: { reason: string }) => `Cannot read the migration stream: ${p.reason}`,
  "stream-closed": (p: { peer: string; reason?: string }) =>
    `Lost the migration stream with ${quoted(p.peer)}${p.reason === undefined ? "" : `: ${p.reason}`}`,
  "connect-failed": (p: { node: string; reason: string }) => `Cannot connect to node ${quoted(p.node)}: ${p.reason}`,
  "ticket-refused": (p: { operation: string; reason: string }) =>
    `Cannot accept migration ${quoted(p.operation)}: ${p.reason}`,
  "target-refused": (p: { server: string; target: string; reason: string }) =>
    `Cannot move ${quoted(p.server)} to ${quoted(p.target)}: ${p.reason}`,
  "commit-refused": (p: { server: string; outcome: string }) =>
    `Cannot commit the move of ${quoted(p.server)}: the ownership record says ${p.outcome}`,
  "migration-cancelled": (p: { server: string; reason: string }) =>
    `Migration of ${quoted(p.server)} was cancelled: ${p.reason}`,
  "migration-stalled": (p: { server: string; target: string; limitMs: number }) =>
    `Cannot move ${quoted(p.server)} to ${quoted(p.target)}: nothing has moved for ${p.limitMs} ms`,
  "migration-timeout": (p: { server: string; limitMs: number }) =>
    `Cannot finish the move of ${quoted(p.server)} within ${p.limitMs} ms`,
});
