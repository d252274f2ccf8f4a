/** `counting-client.ts HOST PORT once|again`: INCR without pause, over one connection or as many as it takes; tells what it saw. */
import { connect } from "node:net";
import { systemEnvironment } from "@vfleet/shared";

const [host = "", port = "", connections = ""] = process.argv.slice(2);
const connectsAgain = connections === "again";
/** Before another connection is tried: less than TCP would wait for what can't come. */
const patienceMs = 50;
const restMs = 2;

export interface ClientReport {
  answers: number;
  lastValue: number;
  /** Answers that were not the one before plus one; first ones of a connection that were not more. */
  gaps: number;
  longestPauseMs: number;
  error?: string;
}

const report: ClientReport = { answers: 0, lastValue: 0, gaps: 0, longestPauseMs: 0 };
let lastMs = systemEnvironment.monotonicMs();
count();

function count(): void {
  const socket = connect({ host, port: Number(port), noDelay: true });
  if (connectsAgain) socket.setTimeout(patienceMs, () => socket.destroy());
  const ask = () => socket.write("*2\r\n$4\r\nINCR\r\n$7\r\ncounter\r\n");
  let text = "";
  let isFirst = true;
  socket.once("connect", ask);
  socket.on("data", (data) => {
    text += data.toString();
    if (!text.endsWith("\r\n")) return;
    hear(Number(text.slice(1)), isFirst);
    isFirst = false;
    text = "";
    ask();
  });
  socket.on("error", (error) => {
    if (!connectsAgain) report.error = error.message;
  });
  socket.on("close", () => {
    if (connectsAgain) void systemEnvironment.sleep(restMs).then(count);
    else report.error ??= "closed";
  });
}

function hear(value: number, isFirst: boolean): void {
  const nowMs = systemEnvironment.monotonicMs();
  report.longestPauseMs = Math.max(report.longestPauseMs, nowMs - lastMs);
  lastMs = nowMs;
  const follows = isFirst ? value > report.lastValue : value === report.lastValue + 1;
  if (!follows) report.gaps++;
  report.lastValue = value;
  report.answers++;
}

process.on("message", (message) => {
  if (message === "report") {
    process.send?.({
      ...report,
      longestPauseMs: Math.max(report.longestPauseMs, systemEnvironment.monotonicMs() - lastMs),
    });
    report.longestPauseMs = 0;
  } else process.exit(0);
});
