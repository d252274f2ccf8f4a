import { formatBytesForPeople, type OverloadedNode, type RebalancePolicy, rebalanceResources } from "@vfleet/shared";
import { formatColumns } from "./columns.ts";
import { formatMilliseconds } from "./progress.ts";

/** What a round found and came to: each overloaded node, its readings, the move, and what is said of the servers on it. */
export function rebalanceLines(status: NonNullable<RebalancePolicy["status"]>): string[] {
  const { message = "No round has been made yet", nodes = [] } = status;
  return [message, ...nodes.flatMap((node) => ["", ...nodeLines(node)])];
}

function nodeLines(node: OverloadedNode): string[] {
  const readings = rebalanceResources.map((resource) => [
    `  ${resource}`,
    percent(node.load[resource]),
    percent(node.pressure[resource]),
  ]);
  const { move, candidates, candidatesLeftOut } = node;
  const servers = candidates.map(({ server, verdict }) => [`  ${server}`, verdict]);
  return [
    `${node.name}: ${node.message}`,
    ...formatColumns([["  RESOURCE", "LOAD", "PRESSURE"], ...readings]),
    ...(move === undefined ? [] : [moveLine(move)]),
    ...(servers.length === 0 ? [] : formatColumns([["  SERVER", "VERDICT"], ...servers])),
    ...(candidatesLeftOut === 0 ? [] : [`  and ${candidatesLeftOut} more`]),
  ];
}

function moveLine(move: NonNullable<OverloadedNode["move"]>): string {
  const what = `  ${move.server} to ${move.targetNode}`;
  const figures = `gain ${move.gainPercent}%, pause ${formatMilliseconds(move.predictedPauseMs)}, ${formatBytesForPeople(move.bytes)}`;
  const made = move.migration === undefined ? "suggested" : `migration ${move.migration}`;
  return `${what}: ${figures}; ${made}`;
}

function percent(value: number | undefined): string {
  return value === undefined ? "<unknown>" : `${value}%`;
}
