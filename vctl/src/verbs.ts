import type { Command } from "commander";
import type { Cli } from "./cli.ts";

/** Gives a verb's command its arguments, options and action. */
type Configure = (command: Command, cli: Cli) => void;

export interface Verb {
  name: string;
  summary: string;
  example: string;
  /** Only the verb that is called is loaded: what it needs is what its start costs. */
  load: () => Promise<Configure>;
}

/** All that vctl can do; help and completion come from here, and docs/vctl.md is held to it. */
export const verbs: readonly Verb[] = [
  {
    name: "get",
    summary: "Show objects, one line each",
    example: "vctl get vs,nodes -o wide",
    load: async () => (await import("./command/get.ts")).configureGet,
  },
  {
    name: "describe",
    summary: "Show everything about an object, with its events",
    example: "vctl describe vs/cache",
    load: async () => (await import("./command/describe.ts")).configureDescribe,
  },
  {
    name: "create",
    summary: "Create objects from files",
    example: "vctl create -f cache.yaml",
    load: async () => (await import("./command/create.ts")).configureCreate,
  },
  {
    name: "apply",
    summary: "Create objects from files, or change them to what the files say",
    example: "vctl apply -f fleet/",
    load: async () => (await import("./command/apply.ts")).configureApply,
  },
  {
    name: "delete",
    summary: "Delete objects and wait until they are gone",
    example: "vctl delete vs cache",
    load: async () => (await import("./command/delete.ts")).configureDelete,
  },
  {
    name: "run",
    summary: "Make a virtual server and wait until it runs",
    example: "vctl run cache --image debian-12-redis --memory 1Gi -- redis-server --bind 0.0.0.0",
    load: async () => (await import("./command/run.ts")).configureRun,
  },
  {
    name: "suspend",
    summary: "Keep a virtual server as a checkpoint in place of letting it run",
    example: "vctl suspend cache",
    load: async () => (await import("./command/suspend.ts")).configureSuspend,
  },
  {
    name: "resume",
    summary: "Let a suspended virtual server go on where it was",
    example: "vctl resume cache",
    load: async () => (await import("./command/suspend.ts")).configureResume,
  },
  {
    name: "exec",
    summary: "Run a command in a virtual server",
    example: "vctl exec -it cache -- bash",
    load: async () => (await import("./command/exec.ts")).configureExec,
  },
  {
    name: "logs",
    summary: "Show what a virtual server's first process prints",
    example: "vctl logs -f --tail 20 cache",
    load: async () => (await import("./command/logs.ts")).configureLogs,
  },
  {
    name: "migrate",
    summary: "Move a running virtual server to another host",
    example: "vctl migrate cache --to host-2",
    load: async () => (await import("./command/migrate.ts")).configureMigrate,
  },
  {
    name: "checkpoint",
    summary: "Keep a virtual server as it is now, memory and files, and bring it back",
    example: "vctl checkpoint create cache",
    load: async () => (await import("./command/checkpoint.ts")).configureCheckpoint,
  },
  {
    name: "drain",
    summary: "Move every virtual server off a host",
    example: "vctl drain host-1",
    load: async () => (await import("./command/drain.ts")).configureDrain,
  },
  {
    name: "cordon",
    summary: "Place no further virtual servers on a host",
    example: "vctl cordon host-1",
    load: async () => (await import("./command/cordon.ts")).configureCordon,
  },
  {
    name: "uncordon",
    summary: "Place virtual servers on a host again",
    example: "vctl uncordon host-1",
    load: async () => (await import("./command/cordon.ts")).configureUncordon,
  },
  {
    name: "rebalance",
    summary: "Relieve overloaded hosts by moves, or say which and why",
    example: "vctl rebalance --dry-run",
    load: async () => (await import("./command/rebalance.ts")).configureRebalance,
  },
  {
    name: "top",
    summary: "Show what hosts or virtual servers use now",
    example: "vctl top servers",
    load: async () => (await import("./command/top.ts")).configureTop,
  },
  {
    name: "events",
    summary: "Show what happened, in order",
    example: "vctl events --for vs/cache",
    load: async () => (await import("./command/events.ts")).configureEvents,
  },
  {
    name: "wait",
    summary: "Wait until objects are as asked for",
    example: "vctl wait vs/cache --for=condition=Ready --timeout=60s",
    load: async () => (await import("./command/wait.ts")).configureWait,
  },
  {
    name: "image",
    summary: "Build, import and list images of virtual servers",
    example: "vctl image build debian-12-redis --packages redis-server -- redis-server",
    load: async () => (await import("./command/image.ts")).configureImage,
  },
  {
    name: "doctor",
    summary: "Say what on this host or in the fleet would stop a migration",
    example: "vctl doctor",
    load: async () => (await import("./command/doctor.ts")).configureDoctor,
  },
  {
    name: "version",
    summary: "Show the versions of vctl and of the server",
    example: "vctl version",
    load: async () => (await import("./command/version.ts")).configureVersion,
  },
  {
    name: "config",
    summary: "Show and choose kubeconfig contexts",
    example: "vctl config use-context lab",
    load: async () => (await import("./command/config.ts")).configureConfig,
  },
  {
    name: "completion",
    summary: "Print a completion script for bash or zsh",
    example: "vctl completion bash",
    load: async () => (await import("./command/completion.ts")).configureCompletion,
  },
];
