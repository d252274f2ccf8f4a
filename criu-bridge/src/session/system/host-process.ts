/** A host of the box: what the agent's process is in a fleet. `host-process.ts BOX HOST`. */
import { mkdirSync } from "node:fs";
import { createLogger, Failpoints, messageOf, systemEnvironment } from "@vfleet/shared";
import { criuVersion } from "../../criu/probe.ts";
import type { Outcome } from "../ports.ts";
import { resumedHost } from "../resumed-host.ts";
import { ResumedSession, unfinishedSessions } from "../resumed-session.ts";
import type { SessionHost } from "../session-options.ts";
import { SourceSession } from "../source-session.ts";
import { TargetListener } from "../target-listener.ts";
import type { TargetSession } from "../target-session.ts";
import { hostFolders } from "./host-folders.ts";
import { sourcePorts, startAfresh, targetPorts } from "./host-ports.ts";
import type { HostCommand, HostReply, RecordAnswer, RecordQuestion } from "./messages.ts";
import { run } from "./run.ts";
import { slowness } from "./slowness.ts";

const moveLimitMs = 60_000 * slowness;

const [box = "", host = ""] = process.argv.slice(2);
const folders = hostFolders(box, host);
const questions = new Map<number, (outcome: Outcome) => void>();
const sessions = new Map<string, SourceSession | TargetSession>();
let lastQuestion = 0;

function tell(message: HostReply | RecordQuestion): void {
  process.send?.(message);
}

function ask(question: "commit" | "abort" | "outcome", operation: string): Promise<Outcome> {
  return new Promise((resolve) => {
    const id = ++lastQuestion;
    questions.set(id, resolve);
    tell({ kind: "question", id, ask: question, operation });
  });
}

mkdirSync(folders.state, { recursive: true });
const sessionHost: SessionHost = {
  environment: systemEnvironment,
  log: createLogger(`host-${host}`, process.env["BOX_LOG"] ?? "warn"),
  failpoints: new Failpoints(folders.failpoints),
  programs: { criu: "criu", runc: "runc" },
  searchPath: process.env["PATH"] ?? "",
  criuVersion: await criuVersion("criu"),
  runFolder: folders.run,
  stateFolder: folders.state,
  tls: {
    ca: `${folders.certificates}/ca.pem`,
    certificate: `${folders.certificates}/cert.pem`,
    key: `${folders.certificates}/key.pem`,
  },
};
const listener = new TargetListener(sessionHost);
const port = await listener.listen("127.0.0.1", 0);

async function obey(command: HostCommand): Promise<void> {
  switch (command.kind) {
    case "start-server":
      await startAfresh(box, host);
      tell({ kind: "ready" });
      return;
    case "resume": {
      const [unfinished] = unfinishedSessions(sessionHost);
      if (unfinished === undefined) throw new Error("nothing was left unfinished");
      const session = new ResumedSession(resumedHost(sessionHost, unfinished));
      const { operation } = unfinished.identity;
      const outcome =
        unfinished.side === "source"
          ? await session.endSource(sourcePorts({ box, host, operation, ask }))
          : await session.endTarget(targetPorts({ box, host, operation, ask }));
      tell({ kind: "resumed", outcome, loss: session.loss?.code });
      return;
    }
    case "expect": {
      const { identity } = command;
      const ports = targetPorts({ box, host, operation: identity.operation, ask });
      const { ticket, session, ended } = await listener.expect(
        {
          host: sessionHost,
          identity,
          mode: command.mode,
          ports,
          memoryLimitBytes: 16 * 1024 ** 3,
          timeoutMs: moveLimitMs,
          onProgress: () => {},
        },
        command.ticketLifetimeMs ?? moveLimitMs,
      );
      sessions.set(identity.operation, session);
      tell({ kind: "expecting", port, ticket });
      const report = await ended;
      tell({ kind: "ended", side: "target", report });
      return;
    }
    case "send": {
      const { identity, ticket } = command;
      const ports = sourcePorts({ box, host, operation: identity.operation, ask });
      const target = { address: "127.0.0.1", port: command.port };
      const session = new SourceSession({
        host: sessionHost,
        identity,
        mode: command.mode,
        ports,
        target,
        ticket,
        limits: { maxDowntimeMs: 900, rounds: 3, fixedPauseMs: 400, allowPostCopy: false },
        timeoutMs: moveLimitMs,
        ...(command.progressTimeoutMs === undefined ? {} : { progressTimeoutMs: command.progressTimeoutMs }),
        onProgress: () => {},
      });
      sessions.set(identity.operation, session);
      const report = await session.run();
      if (session.isCommitted) {
        await run("runc", "--root", folders.runtimeRoot, "delete", "--force", "web");
        await run("btrfs", "subvolume", "delete", folders.live);
      }
      tell({ kind: "ended", side: "source", report });
      return;
    }
    case "outcome":
      sessions.get(command.operation)?.learnOutcome(command.outcome);
      return;
  }
}

process.on("message", (message: HostCommand | RecordAnswer) => {
  if (message.kind === "answer") {
    questions.get(message.id)?.(message.outcome);
    questions.delete(message.id);
    return;
  }
  obey(message).catch((thrown: unknown) => tell({ kind: "error", message: messageOf(thrown) }));
});
tell({ kind: "ready" });
