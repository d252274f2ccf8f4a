/**
 * NATS subjects. A node's identity may subscribe to `vfleet.node.NAME.command`, its inbox and what all nodes are
 * told, and publish to the other subjects under `vfleet.node.NAME`; the controller has the rest. Node names are RFC 1123 labels: one token.
 */
export const subjects = {
  /** Controller asks, agent replies: `CommandMessage` -> `Reply`. */
  command: (node: string) => `vfleet.node.${node}.command`,
  /** Agent says how things are, whole, every few seconds and on change: `NodeReport`. */
  report: (node: string) => `vfleet.node.${node}.report`,
  /** Agent says how a migration goes: `MigrationProgress`. */
  progress: (node: string) => `vfleet.node.${node}.progress`,
  /** Agent's samples of usage: `NodeTelemetry`. */
  telemetry: (node: string) => `vfleet.node.${node}.telemetry`,
  /** Agent asks, controller replies: `RequestMessage` -> `Reply`. */
  request: (node: string) => `vfleet.node.${node}.request`,
  /** Controller tells all nodes what has changed of where everything is: `NetworkUpdate`. */
  network: "vfleet.fleet.network",
  /** Of every node, for the controller's subscriptions. */
  ofEveryNode: (what: "report" | "progress" | "telemetry" | "request") => `vfleet.node.*.${what}`,
} as const;

/** Inbox prefix of a node's own connection: replies to others can't be read by it. */
export function nodeInboxPrefix(node: string): string {
  return `_INBOX.node.${node}`;
}

/** The node a subject of `subjects` speaks of; the server has checked that only that node may publish there. */
export function nodeOfSubject(subject: string): string {
  return subject.split(".")[2] ?? "";
}
