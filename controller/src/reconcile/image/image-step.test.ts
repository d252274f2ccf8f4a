import { describe, expect, test } from "vitest";
import type { Image, ImageReport } from "@vfleet/shared";
import { imageKind } from "@vfleet/shared";
import type { ImageView } from "./image-step.ts";
import { imageStep } from "./image-step.ts";

function image(status?: Image["status"], source: object = { debootstrap: {} }): Image {
  const parsed = imageKind.schema.parse({
    apiVersion: "vfleet.dev/v1",
    kind: "Image",
    metadata: { name: "debian" },
    spec: { source },
  });
  return status === undefined ? parsed : { ...parsed, status };
}

const report = (changes: Partial<ImageReport>): ImageReport => ({
  name: "debian",
  phase: "Ready",
  digest: "sha256:d",
  sizeBytes: 7,
  ...changes,
});

function node(name: string, changes: Partial<ImageView["nodes"][number]> = {}): ImageView["nodes"][number] {
  return { name, presence: "alive", cordoned: false, report: undefined, ...changes };
}

const step = (of: Image, nodes: ImageView["nodes"]) => imageStep({ image: of, nodes, now: "now" });
const tar = { tar: { path: "/root.tar", node: "b" } };

describe("imageStep", () => {
  test.each<[string, Image, ImageView["nodes"], object]>([
    [
      "a ready, uncordoned node is picked",
      image(),
      [node("a", { cordoned: true }), node("b", { presence: "lost" }), node("c")],
      { phase: "Building", builderNode: "c" },
    ],
    ["no node is ready", image(), [node("a", { cordoned: true })], { phase: "Pending", reason: "NoBuilder" }],
    [
      "an import goes where the file is",
      image(undefined, tar),
      [node("a"), node("b")],
      { phase: "Building", builderNode: "b" },
    ],
    ["an import on an unknown node", image(undefined, tar), [node("a")], { phase: "Pending", reason: "NodeNotFound" }],
    [
      "the builder works",
      image({ builderNode: "a" }),
      [node("a", { report: report({ phase: "Building", digest: undefined, message: "unpacking" }) })],
      { phase: "Building", message: "unpacking" },
    ],
    [
      "the builder failed",
      image({ builderNode: "a" }),
      [node("a", { report: report({ phase: "Failed", message: "no mirror" }) })],
      { phase: "Failed", reason: "BuildFailed", message: "no mirror" },
    ],
    [
      "a failed build that is tried again",
      image({ builderNode: "a", phase: "Failed", reason: "BuildFailed", message: "x" }),
      [node("a", { report: report({ phase: "Building" }) })],
      { phase: "Building" },
    ],
    [
      "the builder is silent since a restart",
      image({ builderNode: "a" }),
      [node("a", { presence: "unheard" }), node("b")],
      { builderNode: "a" },
    ],
    [
      "the builder is lost",
      image({ builderNode: "a" }),
      [node("a", { presence: "lost" }), node("b")],
      { phase: "Building", builderNode: "b" },
    ],
    [
      "made",
      image({ builderNode: "a" }),
      [node("a", { report: report({}) }), node("b")],
      { phase: "Ready", digest: "sha256:d", sizeBytes: 7, nodes: ["a"] },
    ],
    [
      "fetched by another",
      image({ digest: "sha256:d", nodes: ["a"] }),
      [node("a", { report: report({}) }), node("b", { report: report({}) })],
      { phase: "Ready", nodes: ["a", "b"] },
    ],
    [
      "a silent holder keeps it, another digest doesn't count",
      image({ digest: "sha256:d", nodes: ["a"] }),
      [node("a", { presence: "lost" }), node("b", { report: report({ digest: "sha256:e" }) })],
      { nodes: ["a"] },
    ],
    [
      "nobody holds it any more",
      image({ digest: "sha256:d", nodes: ["a"] }),
      [node("a")],
      { phase: "Ready", reason: "NoHolder", nodes: [] },
    ],
  ])("%s", (_what, of, nodes, expected) => expect(step(of, nodes)).toMatchObject(expected));
});
