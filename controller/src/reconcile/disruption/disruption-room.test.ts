import { describe, expect, test } from "vitest";
import type { VirtualServer } from "@vfleet/shared";
import { placedStatus, sampleBudget, sampleMigration, sampleServer } from "../samples.ts";
import { DisruptionRoom } from "./disruption-room.ts";

const up = sampleServer("up", { status: placedStatus("host-1"), metadata: { labels: { app: "web" } } });
const other = sampleServer("other", { status: placedStatus("host-1"), metadata: { labels: { app: "db" } } });
const make = (name: string, status: VirtualServer["status"], more: object = {}) =>
  sampleServer(name, { status, metadata: { labels: { app: "web" } }, ...more });
const failed = make("failed", placedStatus("host-2", { phase: "Failed" }));
const moving = make("moving", placedStatus("host-2", { phase: "Migrating" }));
const move = sampleMigration("move", { spec: { server: "moving" }, status: { phase: "Syncing" } });
const stoppedByOperator = make("stopped", placedStatus("host-2", { phase: "Stopped" }), {
  spec: { runStrategy: "Stopped" },
});
const stoppedByDrain = sampleServer("drained", {
  status: placedStatus("host-2", { phase: "Stopped" }),
  spec: { runStrategy: "Stopped" },
  metadata: { labels: { app: "web" }, annotations: { "vfleet.dev/stopped-by-drain": "uid-drain" } },
});
const selector = { matchLabels: { app: "web" } };

describe("DisruptionRoom", () => {
  test.each<[string, object, VirtualServer[], string | undefined]>([
    ["room where all run", { maxUnavailable: 1 }, [up], undefined],
    ["none where one is down", { maxUnavailable: 1 }, [up, failed], "allows 1 of 2 at once: 1 down (default/failed)"],
    ["none where one moves live", { maxUnavailable: 1 }, [up, moving], "allows 1 of 2 at once: 1 in a move"],
    ["none where a drain stopped one", { maxUnavailable: 1 }, [up, stoppedByDrain], "1 down (default/drained)"],
    ["room where an operator stopped one", { maxUnavailable: 1 }, [up, stoppedByOperator], undefined],
    ["room for moves whatever is down", { maxMoving: 1 }, [up, failed, stoppedByDrain], undefined],
    ["none for more moves", { maxMoving: 1 }, [up, moving], "1 in a move (default/moving)"],
    ["room for another where two are allowed", { maxUnavailable: 2 }, [up, failed], undefined],
    [
      "a share rounded up: 34 % of 3 are 2",
      { maxUnavailable: "34%" },
      [up, failed, make("x", placedStatus("n"))],
      undefined,
    ],
    [
      "a share rounded up: 33 % of 3 is 1",
      { maxUnavailable: "33%" },
      [up, failed, make("x", placedStatus("n"))],
      "allows 1 of 3",
    ],
    [
      "room where the down one has other labels",
      { selector: { matchLabels: { app: "x" } }, maxMoving: 1 },
      [up, moving],
      undefined,
    ],
  ])("%s", (_what, spec, servers, expected) => {
    const room = new DisruptionRoom({
      budgets: [sampleBudget("web", { selector, ...spec })],
      servers: [...servers, other],
      migrations: [move],
    });
    expect(room.objection(up)?.message ?? "none").toContain(expected ?? "none");
    expect(room.objection(other)).toBeUndefined();
  });

  test("takes what was decided, from every budget that it is under", () => {
    const budgets = [sampleBudget("wide", { maxMoving: 2 }), sampleBudget("web", { selector, maxUnavailable: 1 })];
    const room = new DisruptionRoom({ budgets, servers: [up, other], migrations: [] });
    room.take(up);
    expect(room.objection(up)).toMatchObject({ isPassing: true });
    expect(room.objection(other)).toBeUndefined();
    room.take(other);
    expect(room.objection(other)?.message).toContain('"default/wide" allows 2 of 2 at once');
  });

  test("leaves other namespaces alone", () => {
    const elsewhere = sampleServer("up", { status: placedStatus("n"), metadata: { namespace: "prod" } });
    const room = new DisruptionRoom({
      budgets: [sampleBudget("all", { maxMoving: 1 })],
      servers: [moving, elsewhere],
      migrations: [move],
    });
    expect(room.objection(elsewhere)).toBeUndefined();
  });
});
