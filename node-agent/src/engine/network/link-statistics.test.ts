import { expect, it } from "vitest";
import { parseLinkStatistics } from "./link-statistics.ts";

it("reads bytes of every link", () => {
  const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo:     100       2    0    0    0     0          0         0      100       2    0    0    0     0       0          0
vs0123456789ab: 7 1 0 0 0 0 0 0 9 1 0 0 0 0 0 0
`;
  expect(parseLinkStatistics(text)).toEqual(
    new Map([
      ["lo", { receivedBytes: 100, sentBytes: 100 }],
      ["vs0123456789ab", { receivedBytes: 7, sentBytes: 9 }],
    ]),
  );
});
