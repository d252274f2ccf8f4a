import {
  pruneOperations,
  ResumedSession,
  resumedHost,
  SourceSession,
  TargetListener,
  unfinishedSessions,
} from "@vfleet/criu-bridge";
import type {
  Expected,
  SessionHost,
  SourceSessionOptions,
  TargetSessionOptions,
  UnfinishedSession,
} from "@vfleet/criu-bridge";

/** A session under way, as commands of the controller reach it. */
export interface LiveSession {
  cancel(reason: string): void;
  learnOutcome(outcome: "committed" | "aborted"): void;
}

export interface SourceMove extends LiveSession {
  /** Runs to its end, never rejects. */
  run(): Promise<unknown>;
  /** Whether the server is the target's now, also where what ran of it was lost. */
  readonly isCommitted: boolean;
}

export interface TargetMove extends Pick<Expected, "ticket"> {
  session: LiveSession;
  ended: Promise<unknown>;
}

/** The sessions of the CRIU bridge on this host, or a simulated one's. */
export interface MoveBridge {
  /** For sources that come. */
  listen(address: string, port: number): Promise<unknown>;
  close(): void;
  expect(options: Omit<TargetSessionOptions, "host">, ticketLifetimeMs: number): Promise<TargetMove>;
  source(options: Omit<SourceSessionOptions, "host">): SourceMove;
  /** Of an earlier process of the agent. */
  unfinished(): UnfinishedSession[];
  resume(unfinished: UnfinishedSession): ResumedSession;
  /** Forgets what is old enough. */
  prune(): void;
}

export function hostBridge(host: SessionHost): MoveBridge {
  const listener = new TargetListener(host);
  return {
    listen: (address, port) => listener.listen(address, port),
    close: () => listener.close(),
    expect: (options, ticketLifetimeMs) => listener.expect({ ...options, host }, ticketLifetimeMs),
    source: (options) => new SourceSession({ ...options, host }),
    unfinished: () => unfinishedSessions(host),
    resume: (unfinished) => new ResumedSession(resumedHost(host, unfinished)),
    prune: () => pruneOperations(host),
  };
}
