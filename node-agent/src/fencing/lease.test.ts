import { beforeEach, describe, expect, it } from "vitest";
import type { Deadline } from "./fence-folder.ts";
import { Lease } from "./lease.ts";

describe("a lease", () => {
  let nowMs = 0;
  let terms = 0;
  let folder: { deadline: Deadline | undefined };
  const open = () => new Lease({ folder, clockMs: () => nowMs, id: () => `term-${++terms}` });
  beforeEach(() => {
    nowMs = 100_000;
    terms = 0;
    folder = { deadline: undefined };
  });

  it("is not held before it was granted", () => expect(open().term).toBeUndefined());

  it("counts from before it was asked for, and ends before the controller's", () => {
    const lease = open();
    nowMs += 1000;
    lease.renew(nowMs - 1000, 8000);
    expect(folder.deadline).toEqual({ freezeAtMs: 106_000, endAtMs: 107_000, term: "term-1" });
    nowMs = 106_999;
    expect(lease.term).toBe("term-1");
    nowMs = 107_000;
    expect(lease.term).toBeUndefined();
  });

  it("keeps its term for as long as it is renewed in time", () => {
    const lease = open();
    for (let beat = 0; beat < 5; beat++) {
      lease.renew(nowMs, 8000);
      nowMs += 6900;
    }
    expect(lease.term).toBe("term-1");
  });

  it("begins a new term once it ran out, if only by a moment", () => {
    const lease = open();
    lease.renew(nowMs, 8000);
    nowMs += 7000;
    lease.renew(nowMs, 8000);
    expect(lease.term).toBe("term-2");
  });

  it("is not granted by an answer that was on its way for too long, nor shortened by one that was overtaken", () => {
    const lease = open();
    lease.renew(nowMs - 7000, 8000);
    expect(lease.term).toBeUndefined();
    lease.renew(nowMs, 8000);
    lease.renew(nowMs - 3000, 8000);
    expect(folder.deadline?.endAtMs).toBe(107_000);
  });

  it("is taken up by an agent that was started again, or has run out meanwhile", () => {
    open().renew(nowMs, 8000);
    expect(open().term).toBe("term-1");
    nowMs += 7000;
    expect(open().term).toBeUndefined();
  });
});
