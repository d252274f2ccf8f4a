import type { Image, ImageReport } from "@vfleet/shared";
import { withCondition } from "@vfleet/shared";
import type { Presence } from "../../fleet/presence.ts";

type ImageStatus = NonNullable<Image["status"]>;

export interface ImageView {
  image: Image;
  nodes: readonly { name: string; presence: Presence; cordoned: boolean; report: ImageReport | undefined }[];
  now: string;
}

/** Status of an image: who is to make it, how far that is, who holds it. Assignments follow the status. */
export function imageStep(view: ImageView): ImageStatus {
  const status = view.image.status ?? {};
  return status.digest === undefined ? making(view, status) : made(view, status, status.digest);
}

function making(view: ImageView, status: ImageStatus): ImageStatus {
  const builder = view.nodes.find((node) => node.name === status.builderNode);
  // Silence of a builder that may come back is waited out; a lost one's work is given to another.
  const keepsBuilder = builder !== undefined && (builder.presence !== "lost" || "tar" in view.image.spec.source);
  if (!keepsBuilder) return chosen(view, status);
  const report = builder.report;
  if (report?.phase === "Ready" && report.digest !== undefined) {
    const { reason: _reason, message: _message, ...rest } = status;
    const ready: ImageStatus = {
      ...rest,
      digest: report.digest,
      ...(report.sizeBytes === undefined ? {} : { sizeBytes: report.sizeBytes }),
    };
    return made(view, ready, report.digest);
  }
  if (report?.phase === "Failed") {
    const message = report.message ?? "the agent does not say why";
    return ready({ ...status, phase: "Failed", reason: "BuildFailed", message }, view, "False");
  }
  const { reason: _reason, message: _message, ...rest } = status;
  return ready({ ...rest, phase: "Building", message: report?.message ?? `On node ${builder.name}` }, view, "False");
}

function chosen(view: ImageView, status: ImageStatus): ImageStatus {
  const { source } = view.image.spec;
  if ("tar" in source) {
    const { node } = source.tar;
    if (view.nodes.some((candidate) => candidate.name === node))
      return making(view, { ...status, builderNode: node, phase: "Building" });
    return ready(
      { ...status, phase: "Pending", reason: "NodeNotFound", message: `There is no node "${node}" to import it on` },
      view,
      "False",
    );
  }
  const able = view.nodes.filter((node) => node.presence === "alive" && !node.cordoned);
  const [builder] = able.toSorted((a, b) => a.name.localeCompare(b.name));
  if (builder !== undefined) return making(view, { ...status, builderNode: builder.name, phase: "Building" });
  const { builderNode: _builder, ...rest } = status;
  return ready(
    { ...rest, phase: "Pending", reason: "NoBuilder", message: "No node is ready to build it" },
    view,
    "False",
  );
}

function made(view: ImageView, status: ImageStatus, digest: string): ImageStatus {
  const before = new Set(status.nodes ?? []);
  const holders = view.nodes
    // A node that isn't heard of keeps what it had.
    .filter((node) =>
      node.presence === "alive"
        ? node.report?.phase === "Ready" && node.report.digest === digest
        : before.has(node.name),
    )
    .map((node) => node.name)
    .toSorted();
  const { reason: _reason, message: _message, ...rest } = status;
  const missing = holders.length === 0 ? { reason: "NoHolder", message: "No node holds it any more" } : {};
  return ready({ ...rest, ...missing, phase: "Ready", nodes: holders }, view, "True");
}

function ready(status: ImageStatus, view: ImageView, value: "True" | "False"): ImageStatus {
  const condition = { type: "Ready", status: value, reason: status.reason ?? status.phase ?? "Pending" };
  return { ...status, conditions: withCondition(status.conditions, condition, view.now) };
}
