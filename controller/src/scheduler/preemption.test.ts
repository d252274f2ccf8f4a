import { expect, test } from "vitest";
import type { Node, VirtualServer } from "@vfleet/shared";
import { placedStatus, sampleNode, sampleServer } from "../reconcile/samples.ts";
import { candidatesOf } from "./fleet-index.ts";
import { demandOf } from "./placement.ts";
import { planPreemption } from "./preemption.ts";

/** A server of that many GiB on a node of 8 GiB. */
function on(nodeName: string, name: string, gibibytes: number, more: object = {}): VirtualServer {
  const memory = `${gibibytes}Gi`;
  const spec = { resources: { requests: { memory }, limits: { memory } }, ...more };
  return sampleServer(name, { spec, status: placedStatus(nodeName) });
}

const hosts = ["host-1", "host-2", "host-3"].map((name) => sampleNode(name));
const cordoned = (name: string) => sampleNode(name, { spec: { unschedulable: true } });

function plan(
  servers: readonly VirtualServer[],
  {
    gibibytes = 4,
    nodes = hosts,
    spec = {},
    unfit = {},
  }: { gibibytes?: number; nodes?: Node[]; spec?: object; unfit?: Record<string, string> } = {},
) {
  const candidates = candidatesOf({ nodes, servers, migrations: [], images: [] });
  const before = candidates.map(({ used }) => ({ ...used }));
  const waiting = on("", "waiting", gibibytes, { priority: 10, ...spec });
  const found = planPreemption({
    candidates,
    demand: demandOf({ ...waiting, status: {} }),
    victimsOn: (node) =>
      servers
        .filter((server) => server.status?.nodeName === node && server.spec.priority < 10)
        .map((server) => ({
          server: server.metadata.name,
          demand: demandOf(server),
          unfit: new Map(Object.entries(unfit)),
        })),
  });
  expect(candidates.map(({ used }) => used)).toEqual(before);
  return found;
}

const full = [on("host-1", "a", 6), on("host-2", "b", 6), on("host-3", "c", 5)];

test.each<[string, ReturnType<typeof plan>, ReturnType<typeof plan>]>([
  [
    "one that fits elsewhere",
    plan([on("host-1", "a", 3), on("host-1", "a2", 3), on("host-2", "b", 5), on("host-3", "c", 6)]),
    { node: "host-1", moves: [{ server: "a", targetNode: "host-2" }] },
  ],
  ["nothing where nobody fits elsewhere", plan(full), undefined],
  [
    "nothing of equal or higher priority",
    plan([
      on("host-1", "a", 3, { priority: 10 }),
      on("host-1", "a2", 3, { priority: 99 }),
      on("host-2", "b", 5),
      on("host-3", "c", 6),
    ]),
    undefined,
  ],
  [
    "the least important first",
    plan([
      on("host-1", "a", 3, { priority: 5 }),
      on("host-1", "a2", 3, { priority: -5 }),
      on("host-2", "b", 5, { priority: 20 }),
      on("host-3", "c", 6, { priority: 20 }),
    ]),
    { node: "host-1", moves: [{ server: "a2", targetNode: "host-2" }] },
  ],
  [
    "only as many as are needed",
    plan(
      [
        on("host-1", "tiny", 1, { priority: -5 }),
        on("host-1", "a", 3),
        on("host-1", "b", 3),
        on("host-2", "c", 5, { priority: 20 }),
      ],
      { nodes: hosts.slice(0, 2), gibibytes: 4 },
    ),
    { node: "host-1", moves: [{ server: "a", targetNode: "host-2" }] },
  ],
  [
    "two where one is not enough",
    plan(
      [
        on("host-1", "a", 2),
        on("host-1", "b", 2),
        on("host-1", "c", 3, { priority: 20 }),
        on("host-2", "d", 4, { priority: 20 }),
      ],
      {
        nodes: hosts.slice(0, 2),
        gibibytes: 5,
      },
    ),
    {
      node: "host-1",
      moves: [
        { server: "a", targetNode: "host-2" },
        { server: "b", targetNode: "host-2" },
      ],
    },
  ],
  ["nothing for what fits no node even when it is empty", plan([on("host-1", "a", 1)], { gibibytes: 9 }), undefined],
  [
    "nothing on a node that it can't go to anyway",
    plan([on("host-1", "a", 6)], { nodes: [cordoned("host-1"), sampleNode("host-2")], gibibytes: 9 }),
    undefined,
  ],
  [
    "nothing to where the server can't be moved",
    plan([on("host-1", "a", 6), on("host-2", "b", 5, { priority: 20 })], {
      nodes: hosts.slice(0, 2),
      gibibytes: 7,
      unfit: { "host-2": "another CRIU" },
    }),
    undefined,
  ],
  [
    "nothing when more than a few would have to go",
    plan(
      Array.from({ length: 7 }, (_, index) => on("host-1", `s-${index}`, 1)).concat(
        on("host-2", "d", 2, { priority: 20 }),
      ),
      { nodes: hosts.slice(0, 2), gibibytes: 7 },
    ),
    undefined,
  ],
])("moves %s", (_what, found, expected) => expect(found).toEqual(expected));
