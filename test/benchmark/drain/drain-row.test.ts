import { expect, it } from "vitest";
import { rowOf } from "./drain-row.ts";

it("takes the worst pause of any client, and counts every loss", () => {
  const seen = { requests: 100, lostWrites: 0, connectionKept: true };
  const clients = [
    { ...seen, pauseMs: 400 },
    { ...seen, pauseMs: 900.4, lostWrites: 2 },
    { ...seen, pauseMs: 500, connectionKept: false },
  ];
  expect(
    rowOf({ residentMiB: 64, maxParallel: 2 }, { wallMs: 3000, hostPausesMs: [300, 310, 700], clients }),
  ).toMatchObject({
    servers: 3,
    movesPerMinute: 60,
    pauseMsMedian: 500,
    pauseMsMax: 900,
    hostPauseMsMedian: 310,
    requests: 300,
    lostWrites: 2,
    lostConnections: 1,
  });
});
