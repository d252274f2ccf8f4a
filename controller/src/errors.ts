import { errorRegistry } from "@vfleet/shared";

/** What the fleet's side of the controller (ownership, placement, moves, links to agents) refuses or cannot do. */
export const fail = errorRegistry({
  "ownership-unknown": (p: { uid: string }) =>
    `Cannot change the owner of server "${p.uid}": nothing is recorded about it`,
  "ownership-unreachable": (p: { uid: string; reason: string }) =>
    `Cannot decide who owns server "${p.uid}": ${p.reason}`,
  "request-unknown": (p: { node: string }) => `Cannot answer node "${p.node}": its request is of an unknown kind`,
  "operation-unknown": (p: { operation: string }) =>
    `Cannot decide operation "${p.operation}": no server's record knows it`,
  "command-unanswered": (p: { node: string; command: string; reason: string }) =>
    `Cannot have node "${p.node}" do "${p.command}": ${p.reason}`,
  "addresses-exhausted": (p: { range: string }) => `Cannot allocate an address: none of ${p.range} is free`,
  "id-blocks-exhausted": (p: { count: number }) => `Cannot allocate a block of ids: all ${p.count} are taken`,
  "guest-unreachable": (p: { server: string; reason: string }) => `Cannot reach server "${p.server}": ${p.reason}`,
  "node-unreachable": (p: { node: string }) => `Cannot reach node "${p.node}": its address is not known`,
  "export-refused": (p: { checkpoint: string; reason: string }) =>
    `Cannot export checkpoint "${p.checkpoint}": ${p.reason}`,
  "import-refused": (p: { checkpoint: string; reason: string }) =>
    `Cannot import checkpoint "${p.checkpoint}": ${p.reason}`,
  "restore-refused": (p: { checkpoint: string; reason: string }) =>
    `Cannot restore checkpoint "${p.checkpoint}": ${p.reason}`,
  "server-unbound": (p: { server: string }) =>
    `Cannot reach server "${p.server}": it has not been placed on a node yet`,
  "migration-refused": (p: { server: string; reason: string }) => `Cannot migrate server "${p.server}": ${p.reason}`,
  "drain-refused": (p: { node: string; reason: string }) => `Cannot drain node "${p.node}": ${p.reason}`,
  "bring-back-refused": (p: { node: string; reason: string }) =>
    `Cannot bring servers back to node "${p.node}": ${p.reason}`,
  "server-invalid": (p: { server: string; member: string; reason: string }) =>
    `Cannot use server "${p.server}": ${p.member} ${p.reason}`,
});
