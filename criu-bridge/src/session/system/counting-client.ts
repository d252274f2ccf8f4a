/** `counting-client.ts HOST PORT`: INCR over one connection without pause until told to stop; tells what it saw. */
import { connect } from "node:net";
import { systemEnvironment } from "@vfleet/shared";

const [host = "", port = ""] = process.argv.slice(2);

export interface ClientReport {
  answers: number;
  lastValue: number;
  /** Answers that were not the one before plus one. */
  gaps: number;
  longestPauseMs: number;
  error?: string;
}

const report: ClientReport = { answers: 0, lastValue: 0, gaps: 0, longestPauseMs: 0 };
const socket = connect({ host, port: Number(port), noDelay: true });
let lastMs = systemEnvironment.monotonicMs();
let text = "";
const ask = () => socket.write("*2\r\n$4\r\nINCR\r\n$7\r\ncounter\r\n");
socket.once("connect", () => {
  lastMs = systemEnvironment.monotonicMs();
  ask();
});
socket.on("data", (data) => {
  text += data.toString();
  if (!text.endsWith("\r\n")) return;
  const value = Number(text.slice(1));
  text = "";
  const nowMs = systemEnvironment.monotonicMs();
  report.longestPauseMs = Math.max(report.longestPauseMs, nowMs - lastMs);
  lastMs = nowMs;
  if (value !== report.lastValue + 1) report.gaps++;
  report.lastValue = value;
  report.answers++;
  ask();
});
socket.on("error", (error) => (report.error = error.message));
socket.on("close", () => (report.error ??= "closed"));
process.on("message", (message) => {
  if (message === "report") {
    process.send?.({
      ...report,
      longestPauseMs: Math.max(report.longestPauseMs, systemEnvironment.monotonicMs() - lastMs),
    });
    report.longestPauseMs = 0;
  } else process.exit(0);
});
