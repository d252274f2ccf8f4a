import {
  drainSchema,
  formatBytesForPeople,
  type MigrationStatus,
  migrationSchema,
  nodeSchema,
  virtualServerSchema,
} from "@vfleet/shared";
import type { AnyObject } from "../api/objects.ts";
import { conditionsOf, identity, pairs, textOr, timeText } from "./describe-object.ts";
import { type Outline, outlineOf } from "./outline.ts";
import { planRows } from "./drain-plan-table.ts";
import { formatMilliseconds } from "./progress.ts";
import { roundRows, timelineRows } from "./migration-tables.ts";
import { reasonText } from "./reason-text.ts";

/** What is asked for besides the object. */
interface Related {
  nowMs: number;
  /** Of a Node: the virtual servers on it. */
  servers?: readonly AnyObject[];
}

export type Describe = (object: AnyObject, related: Related) => Outline;

/** Kinds with a description that tells more than their members; the others are described by `describeAny`. */
export const describeKinds: Readonly<Record<string, Describe>> = {
  VirtualServer: describeVirtualServer,
  Node: describeNode,
  Migration: describeMigration,
  Drain: describeDrain,
};

function describeVirtualServer(object: AnyObject, { nowMs }: Related): Outline {
  const { spec, status = {} } = virtualServerSchema.strip().parse(object);
  return [
    ...identity(object),
    ["Created", timeText(object.metadata.creationTimestamp, nowMs)],
    ["Status", withReason(textOr(status.phase, "Pending"), status)],
    ["Node", textOr(status.nodeName)],
    ["Address", textOr(status.address)],
    ["MAC", textOr(status.macAddress)],
    ["Hostname", textOr(spec.hostname, object.metadata.name)],
    ["Image", `${spec.image}${status.imageDigest === undefined ? "" : ` (${status.imageDigest})`}`],
    [
      "Command",
      textOr(
        spec.command?.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word))).join(" "),
        "<that of the image>",
      ),
    ],
    ["Environment", pairs(spec.environment)],
    ["Isolation", spec.isolation],
    ["Run Strategy", `${spec.runStrategy}, restarts ${spec.restartPolicy}`],
    ["Started", timeText(status.startedAt, nowMs)],
    ["Restarts", textOr(status.restarts, "0")],
    ...(status.exitCode === undefined ? [] : [["Exit Code", String(status.exitCode)] as const]),
    ["Epoch", textOr(status.epoch)],
    ["On Node Loss", spec.availability.onNodeLoss],
    ...(status.failover === undefined ? [] : [["Failover", { entries: outlineOf(status.failover) }] as const]),
    ...(status.migration === undefined ? [] : [["Migration", status.migration] as const]),
    ["Limits", { entries: outlineOf(spec.resources.limits) }],
    ["Requests", { entries: outlineOf(spec.resources.requests) }],
    ["Migrates", { entries: outlineOf(spec.migration) }],
    ["Node-Selectors", pairs(spec.placement.nodeSelector)],
    ["Conditions", conditionsOf(object)],
  ];
}

function describeNode(object: AnyObject, { nowMs, servers = [] }: Related): Outline {
  const { spec, status = {} } = nodeSchema.strip().parse(object);
  const rows = servers.map((one) => {
    const server = virtualServerSchema.strip().parse(one);
    const { limits, requests } = server.spec.resources;
    return [
      one.metadata.namespace ?? "",
      one.metadata.name,
      server.status?.phase ?? "Pending",
      textOr(requests.cpu),
      textOr(limits.cpu),
      requests.memory,
      limits.memory,
      textOr(server.status?.address),
    ];
  });
  return [
    ...identity(object),
    ["Joined", timeText(object.metadata.creationTimestamp, nowMs)],
    ["Unschedulable", String(spec.unschedulable === true)],
    [
      "Taints",
      (spec.taints ?? []).map(
        (taint) => `${taint.key}${taint.value === undefined ? "" : `=${taint.value}`}:${taint.effect}`,
      ),
    ],
    ["Addresses", (status.addresses ?? []).map(({ type, address }) => `${type} ${address}`)],
    ["Capacity", { entries: outlineOf(status.capacity ?? {}) }],
    ["Allocatable", { entries: outlineOf(status.allocatable ?? {}) }],
    ["System", { entries: outlineOf(status.nodeInfo ?? {}) }],
    ["Fleet", { entries: outlineOf(status.fleet ?? {}) }],
    [
      "Images",
      (status.images ?? []).flatMap(({ names, sizeBytes }) =>
        names.map((name) => `${name} (${formatBytesForPeople(sizeBytes)})`),
      ),
    ],
    ["Conditions", conditionsOf(object)],
    [
      "Servers",
      {
        rows: [
          ["Namespace", "Name", "Status", "CPU Requests", "CPU Limits", "Memory Requests", "Memory Limits", "Address"],
          ...rows,
        ],
      },
    ],
  ];
}

function describeMigration(object: AnyObject, { nowMs }: Related): Outline {
  const { spec, status = {} } = migrationSchema.strip().parse(object);
  const { server: _server, targetNode: _targetNode, reason: _reason, cancel: _cancel, ...wishes } = spec;
  return [
    ...identity(object),
    ["Server", spec.server],
    ["Asked For By", spec.reason],
    ["Phase", withReason(textOr(status.phase, "Pending"), status)],
    ["From", textOr(status.sourceNode)],
    ["To", textOr(status.targetNode ?? spec.targetNode)],
    [
      "Mode",
      `${textOr(status.mode, spec.mode ?? "<as the server says>")}${status.modeReason === undefined ? "" : `: ${status.modeReason}`}`,
    ],
    ["Cancel Asked", String(spec.cancel)],
    ["Started", timeText(status.startedAt, nowMs)],
    ["Ended", timeText(status.endedAt, nowMs)],
    ["Wishes", { entries: outlineOf(wishes) }],
    ["Predicted Pause", milliseconds(status.predictedPauseMs)],
    ["Pause", milliseconds(status.pauseMs)],
    ["Total", milliseconds(status.totalMs)],
    ["Memory", amount(status.memoryBytes)],
    ["Volume", amount(status.volumeBytes)],
    ["Sent", amount(status.wireBytes)],
    [
      "Moved",
      status.expectedBytes === undefined
        ? amount(status.movedBytes)
        : `${amount(status.movedBytes)} of ${amount(status.expectedBytes)}`,
    ],
    ["Round", textOr(status.round)],
    ["Rate", perSecond(status.rateBytesPerSecond)],
    ["Dirty Rate", perSecond(status.dirtyRateBytesPerSecond)],
    ["Remaining", amount(status.remainingBytes)],
    ["Bandwidth Limit", perSecond(status.bandwidthBytesPerSecond)],
    ["Both Hosts Needed", textOr(bothHosts(status))],
    ["Epoch", textOr(status.epoch)],
    ["Rounds", { rows: roundRows(status.rounds ?? []) }],
    ["Timeline", { rows: timelineRows(status.timeline ?? []) }],
    ["Conditions", conditionsOf(object)],
  ];
}

function describeDrain(object: AnyObject, { nowMs }: Related): Outline {
  const { spec, status = {} } = drainSchema.strip().parse(object);
  return [
    ...identity(object),
    ["Node", spec.node],
    ["Way", spec.bringBack ? "back to it" : "away from it"],
    ["Phase", withReason(textOr(status.phase, "Pending"), status)],
    ["Moved", `${status.moved ?? 0} of ${status.total ?? 0}`],
    ...(status.stopped === undefined ? [] : [["Stopped Servers", status.stopped] as const]),
    ...(status.started === undefined ? [] : [["Started Servers", status.started] as const]),
    ["Max Parallel", String(spec.maxParallel)],
    ["Deadline", status.deadlineAt ?? (spec.deadlineSeconds === undefined ? "<none>" : `${spec.deadlineSeconds} s`)],
    ["Fallback", spec.fallback],
    ...(status.plan === undefined ? [] : [["Plan", { rows: planRows(status.plan) }] as const]),
    ["Cancel Asked", String(spec.cancel)],
    ["Started", timeText(status.startedAt ?? object.metadata.creationTimestamp, nowMs)],
    ["Ended", timeText(status.endedAt, nowMs)],
    [
      "Waiting",
      {
        rows: [
          ["Server", "Migration", "Fallback", "Reason"],
          ...(status.waiting ?? []).map(({ server, migration, fallback, reason }) => [
            server,
            textOr(migration),
            textOr(fallback),
            reason,
          ]),
        ],
      },
    ],
    ["Conditions", conditionsOf(object)],
  ];
}

function withReason(
  phase: string,
  { reason, message }: { reason?: string | undefined; message?: string | undefined },
): string {
  const why = reasonText({ reason, message });
  return why === "" ? phase : `${phase} (${why})`;
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? "<none>" : formatMilliseconds(value);
}

function perSecond(rate: number | undefined): string {
  return rate === undefined ? "<none>" : `${formatBytesForPeople(Math.round(rate))}/s`;
}

function bothHosts({ bothHostsNeeded }: MigrationStatus): string | undefined {
  if (bothHostsNeeded === undefined) return undefined;
  return bothHostsNeeded ? "yes, until the last page has arrived" : "no, the last page has arrived";
}

function amount(bytes: number | undefined): string {
  return bytes === undefined ? "<none>" : formatBytesForPeople(bytes);
}
