import {
  type ResumedHost,
  ResumedSession,
  type SessionRecord,
  type UnfinishedSession,
} from "@vfleet/criu-bridge/simulation";
import type { MoveBridge } from "@vfleet/node-agent/simulation";
import type { Logger } from "@vfleet/shared";
import type { Network } from "../kernel/network.ts";
import { PeerLine } from "../kernel/peer-line.ts";
import type { MoveMessage, MoveSite } from "./move-run.ts";
import type { Mutants } from "./mutants.ts";
import { SimulatedSourceMove } from "./source-move.ts";
import { SimulatedTargetMove } from "./target-move.ts";

/** Where sources find the agents of other hosts. */
export type Listeners = Map<string, { site: MoveSite; accept: (line: PeerLine) => void }>;

export interface BridgeOptions {
  network: Network;
  listeners: Listeners;
  log: Logger;
  mutants: Mutants;
}

/** The sessions of a simulated host. */
export function simulatedBridge(site: MoveSite, { network, listeners, log, mutants }: BridgeOptions): MoveBridge {
  const { host, agent } = site;
  const tickets = new Map<string, SimulatedTargetMove>();
  const accept = (line: PeerLine) => {
    line.onMessage = (message) => {
      const hello = message as MoveMessage; // of a source's side
      const session = hello.type === "hello" ? tickets.get(hello.ticket) : undefined;
      if (hello.type === "hello") tickets.delete(hello.ticket);
      if (session === undefined || (hello.type === "hello" && hello.mode !== session.mode)) {
        line.send({ type: "refused", reason: "its ticket is unknown or was used" } satisfies MoveMessage);
        return;
      }
      session.accept(line);
    };
  };
  return {
    listen: () => {
      listeners.set(host.name, { site, accept });
      agent.onEnd(() => listeners.delete(host.name));
      return Promise.resolve();
    },
    close: () => listeners.delete(host.name),
    expect: (options) => {
      const session = new SimulatedTargetMove(site, options, mutants);
      session.prepare();
      const ticket = agent.environment.id();
      tickets.set(ticket, session);
      const ended = session.run().finally(() => tickets.delete(ticket));
      return Promise.resolve({ ticket, session, ended });
    },
    source: (options) =>
      new SimulatedSourceMove(site, options, {
        mutants,
        dial: async () => {
          await agent.answer(network.delayMs() * 4, () => undefined);
          const target = listeners.get(options.identity.target);
          const isCut =
            network.isCut(host.name, options.identity.target) || network.isCut(options.identity.target, host.name);
          if (target === undefined || isCut) throw new Error("connect ECONNREFUSED");
          const [here, there] = PeerLine.connect(
            network,
            { process: agent, place: host.name },
            { process: target.site.agent, place: target.site.host.name },
          );
          target.accept(there);
          return here;
        },
      }),
    unfinished: () => [...host.sessions.values()].filter((record) => !record.ended),
    resume: (unfinished) => new ResumedSession(resumed(site, unfinished, log)),
    prune: () => {
      for (const [key, { ended }] of host.sessions) {
        if (!ended) continue;
        host.sessions.delete(key);
        // Images of a lost server are kept until then.
        if (host.fillings.get(key) === "failed") for (const kept of [host.dumps, host.fillings]) kept.delete(key);
      }
    },
  };
}

function resumed({ host, agent }: MoveSite, { identity, side }: UnfinishedSession, log: Logger): ResumedHost {
  const key = `${identity.operation}-${side}`;
  const record: SessionRecord | undefined = host.sessions.get(key);
  if (record === undefined) throw new Error(`no session of operation ${identity.operation}`);
  const { boot } = host;
  const isThisBoot = host.programs.has(key) || host.fillings.has(key) || host.dumps.has(key);
  return {
    environment: agent.environment,
    log,
    record,
    get mayBeAsked() {
      return isThisBoot && host.boot === boot;
    },
    answer: (decide) => Promise.resolve(isThisBoot ? host.gates.listen(key, agent, decide) : undefined),
    filling: {
      get state() {
        return host.fillings.get(key) ?? "unknown";
      },
      end: () => void host.fillings.set(key, "failed"),
    },
    fillComplaint: () => "it was ended",
    get isProgramRunning() {
      return host.programs.has(key);
    },
    kill: ({ id }) => host.kill(id),
    thaw: () => undefined,
    setCgroups: () => {
      if (host.programs.has(key)) throw new Error("Device or resource busy");
    },
    removeImages: () => {
      host.dumps.delete(key);
      host.fillings.delete(key);
    },
    saveEnded: () => void host.sessions.set(key, { ...record, ended: true }),
  };
}
