import { imageKind, nodeKind, timestamp } from "@vfleet/shared";
import type { ReconcileContext } from "../context.ts";
import { imageStep } from "./image-step.ts";

/** How often an image that nobody holds yet is looked at for a lost builder. */
const makingLookMs = 2000;

/** Writes what `imageStep` says. */
export class ImageReconciler {
  readonly #context: ReconcileContext;

  constructor(context: ReconcileContext) {
    this.#context = context;
  }

  async reconcile(name: string): Promise<number | void> {
    const { store, presence, environment, events } = this.#context;
    const image = store.get(imageKind, { name });
    if (image === undefined || image.metadata.deletionTimestamp !== undefined) return undefined;
    const nodes = store.list(nodeKind).items.map((node) => ({
      name: node.metadata.name,
      presence: presence.of(node.metadata.name),
      cordoned: node.spec.unschedulable === true,
      report: presence.report(node.metadata.name)?.images.find((report) => report.name === name),
    }));
    const status = imageStep({ image, nodes, now: timestamp(environment) });
    await store.mutate(
      imageKind,
      { name },
      (draft) => {
        if (draft.metadata.uid !== image.metadata.uid) return false;
        draft.status = status;
        return undefined;
      },
      { scope: "status" },
    );
    if (status.phase !== image.status?.phase && status.phase !== undefined) {
      const type = status.phase === "Failed" ? "Warning" : "Normal";
      events.record(image, { type, reason: status.phase, message: status.message ?? status.digest ?? status.phase });
    }
    return status.digest === undefined ? makingLookMs : undefined;
  }
}
