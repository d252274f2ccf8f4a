import { errorRegistry } from "@vfleet/shared";

/** Every error the node agent raises by itself. Decide by code, never by the text. */
export const agentError = errorRegistry({
  "program-failed": (p: { program: string; ending: string; output: string }) =>
    `Cannot finish "${p.program}": ${p.ending}${p.output === "" ? "" : `: ${p.output}`}`,
  "system-call-failed": (p: { call: string; on: string; errno: number }) =>
    `Cannot do ${p.call} on "${p.on}": errno ${p.errno}`,
  "architecture-unsupported": (p: { architecture: string }) =>
    `Cannot call the kernel on "${p.architecture}": x64 or arm64 is needed`,
  "volumes-not-btrfs": (p: { folder: string; found: string }) =>
    `Cannot keep volumes in "${p.folder}": a btrfs file system is needed, found ${p.found}`,
  "volume-name-invalid": (p: { name: string }) =>
    `Cannot use "${p.name}" for a volume: letters, digits, '.', ':', '_' and '-' are needed`,
  "volume-stream-refused": (p: { file: string }) =>
    `Cannot keep the volume: "${p.file}" is a device, or its owner is outside of 0 to 65535`,
  "image-missing": (p: { digest: string }) => `Cannot use image "${p.digest}": it is not on this node`,
  "image-digest-wrong": (p: { name: string; wanted: string; got: string }) =>
    `Cannot keep image "${p.name}": its digest is ${p.got}, ${p.wanted} is needed`,
  "image-fetch-failed": (p: { name: string; reason: string }) => `Cannot fetch image "${p.name}": ${p.reason}`,
  "peer-stream-refused": (p: { node: string; path: string; reason: string }) =>
    `Cannot fetch "${p.path}" from node "${p.node}": ${p.reason}`,
  "image-archive-invalid": (p: { member: string; rule: string }) => `Cannot import member "${p.member}": ${p.rule}`,
  "container-create-failed": (p: { uid: string; reason: string }) => `Cannot create container "${p.uid}": ${p.reason}`,
  "container-restore-failed": (p: { uid: string; reason: string }) =>
    `Cannot restore container "${p.uid}": ${p.reason}`,
  "container-not-running": (p: { uid: string }) => `Cannot run a command in server "${p.uid}": it is not running`,
  "server-not-stopped": (p: { uid: string; reason: string }) => `Cannot stop server "${p.uid}": ${p.reason}`,
  "server-unknown": (p: { uid: string }) => `Cannot find server "${p.uid}": this node does not have it`,
  "epoch-stale": (p: { uid: string; epoch: number; highest: number }) =>
    `Cannot run server "${p.uid}" under epoch ${p.epoch}: epoch ${p.highest} was seen`,
  "migration-under-way": (p: { uid: string }) =>
    `Cannot migrate server "${p.uid}": another migration of it is under way on this node`,
  "checkpoint-refused": (p: { uid: string; reason: string }) =>
    `Cannot take a checkpoint of server "${p.uid}": ${p.reason}`,
  "checkpoint-restore-refused": (p: { checkpoint: string; reason: string }) =>
    `Cannot restore checkpoint "${p.checkpoint}": ${p.reason}`,
  "checkpoint-in-use": (p: { checkpoint: string; by: string }) =>
    `Cannot delete checkpoint "${p.checkpoint}": it is being ${p.by}`,
  "checkpoint-under-way": (p: { uid: string; what: string }) =>
    `Cannot move server "${p.uid}": a checkpoint of it is being ${p.what}`,
  "checkpoint-not-offered": (p: { checkpoint: string; peer: string }) =>
    `Cannot give checkpoint "${p.checkpoint}" to "${p.peer}": the controller has not offered it, or it was fetched already`,
  "controller-unreachable": (p: { reason: string }) => `Cannot ask the controller: ${p.reason}`,
  "lease-not-held": (p: { uid: string }) =>
    `Cannot start server "${p.uid}": the controller has to say first that it belongs here, this host's lease ran out`,
  "servers-not-fenced": (p: { folder: string }) =>
    `Cannot begin: servers in "${p.folder}" outlived SIGKILL, and their lease is over`,
  "record-invalid": (p: { file: string; reason: string }) => `Cannot read record "${p.file}": ${p.reason}`,
});
