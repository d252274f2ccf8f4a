import { Command, CommanderError } from "commander";
import { LabError } from "./lab-error.ts";

// Verbs are loaded when they are used: `lab exec` and `lab env` are called in loops, and must start fast.

const program = new Command("lab")
  .description("A fleet of hosts on one machine")
  .exitOverride()
  .enablePositionalOptions();

command("up", "start a lab, or what is off in it")
  .option("--hosts <n>", "hosts beside control and client (default 3; with --vm 2)", Number)
  .option("--controllers <n>", "1 (default), or 3, each with a NATS server: one may be lost", Number)
  .option("--vm", "each host a virtual machine with a kernel of its own (slow: emulated in software)")
  .option("--memory-per-host <amount>", "limit and capacity of each host (default 4Gi; with --vm 1536Mi)")
  .option(
    "--cpus-per-host <cpus>",
    "limit and capacity of each host's servers, such as 1 or 500m (default: all; not with --vm)",
  )
  .option("--disk-per-host <amount>", "size of each host's disk, a sparse file (default 20Gi)")
  .option("--no-wait", "do not wait until the API answers and every node is Ready")
  .action(
    async (options: {
      name: string;
      json?: true;
      wait: boolean;
      hosts?: number;
      controllers?: number;
      vm?: true;
      memoryPerHost?: string;
      cpusPerHost?: string;
      diskPerHost?: string;
    }) => {
      const { up } = await import("./verbs/up.ts");
      const { status, statusText } = await import("./verbs/status.ts");
      await up(options);
      const now = await status(options.name);
      print(
        options,
        now,
        `${statusText(now)}\nTo work with it: eval "$(npm run -s lab -- env${options.name === "default" ? "" : ` --name ${options.name}`})"\n`,
      );
    },
  );

command("down", "end a lab and leave nothing behind")
  .option("--all", "every lab of this machine")
  .action(async (options: { name: string; json?: true; all?: true }) => {
    const { down, labNames } = await import("./verbs/down.ts");
    const labs = await down(options.all ? labNames() : [options.name]);
    print(options, { down: labs }, labs.length === 0 ? "There was no lab\n" : `Down: ${labs.join(", ")}\n`);
  });

command("status", "how a lab and its hosts are").action(async (options: Options) => {
  const { status, statusText } = await import("./verbs/status.ts");
  const now = await status(options.name);
  print(options, now, statusText(now));
});

command("env", "lines for a shell to evaluate: kubeconfig, PATH, sockets").action(async (options: Options) => {
  const { env, envText } = await import("./verbs/env.ts");
  const variables = env(options.name);
  print(options, variables, envText(variables));
});

command("exec", "run a program of the machine in a host")
  .usage("[options] <host> [-t] -- <command...>")
  .argument("<host>", "control or control-1, client, host-1, ...")
  .argument("<command...>")
  .option("-t, --terminal", "give the command a terminal of its own")
  .action(async (host: string, words: string[], options: Options & { terminal?: true }) => {
    const { exec } = await import("./verbs/exec.ts");
    exec({ name: options.name, host, command: words, terminal: options.terminal === true });
  });

hostCommand("crash", "cut a host's power", async (host, options) => {
  const { crash } = await import("./verbs/power.ts");
  await crash(options.name, host);
  print(options, { host, power: "off" }, `${host} is off\n`);
});

hostCommand("boot", "power a host on; its disk is as it was", async (host, options) => {
  const { boot } = await import("./verbs/power.ts");
  const pid = await boot(options.name, host);
  print(options, { host, power: "on", pid }, `${host} is on\n`);
});

command("partition", "lose the packets between hosts")
  .argument("<hosts>", "HOST[,HOST...]: these stay connected to each other", list)
  .option("--from <hosts>", "cut off from these only, not from all others", list, [])
  .option("--one-way", "lose only what the first hosts send")
  .action(async (hosts: string[], options: Options & { from: string[]; oneWay?: true }) => {
    const { partition } = await import("./verbs/network.ts");
    const cuts = await partition({ name: options.name, hosts, from: options.from, oneWay: options.oneWay === true });
    print(options, { cuts }, cuts.map(({ from, to }) => `cut: ${from} -> ${to}\n`).join(""));
  });

command("heal", "take all partitions back").action(async (options: Options) => {
  const { heal } = await import("./verbs/network.ts");
  await heal(options.name);
  print(options, { cuts: [] }, "Nothing is cut\n");
});

hostCommand("stall", "stop every process of a host where it stands", async (host, options) => {
  const { stall } = await import("./verbs/stall.ts");
  await stall(options.name, host);
  print(options, { host, stalled: true }, `${host} is stalled\n`);
});

hostCommand("resume", "let a stalled host go on", async (host, options) => {
  const { resume } = await import("./verbs/stall.ts");
  await resume(options.name, host);
  print(options, { host, stalled: false }, `${host} goes on\n`);
});

command("restart-program", "kill a program of a host, which starts it again")
  .argument("<host>")
  .argument("<program>", "agent, controller, nats, redis, packages")
  .option("--signal <name>", "how to end it", "KILL")
  .action(async (host: string, name: string, options: Options & { signal: string }) => {
    const { restartProgram } = await import("./verbs/restart-program.ts");
    const pid = await restartProgram({ name: options.name, host, program: name, signal: options.signal });
    print(options, { host, program: name, pid }, `${name} on ${host} runs again\n`);
  });

command("failpoint", "make a named step of a host's agent fail")
  .argument("<host>")
  .argument("<point>")
  .argument("<action>", "refuse, refuse-once, hold or clear")
  .action(async (host: string, point: string, action: string, options: Options) => {
    const { failpoint } = await import("./verbs/failpoint.ts");
    failpoint({ name: options.name, host, point, action });
    print(options, { host, failpoint: point, action }, `${point} on ${host}: ${action}\n`);
  });

interface Options {
  readonly name: string;
  readonly json?: true;
}

function command(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option("--name <name>", 'which lab (default: $VFLEET_LAB, else "default")', process.env["VFLEET_LAB"] ?? "default")
    .option("--json", "print JSON");
}

function hostCommand(
  name: string,
  description: string,
  action: (host: string, options: Options) => Promise<void>,
): void {
  command(name, description).argument("<host>", "control or control-1, client, host-1, ...").action(action);
}

function list(text: string): string[] {
  return text.split(",").filter((word) => word !== "");
}

function print(options: { json?: true }, value: unknown, text: string): void {
  process.stdout.write(options.json ? `${JSON.stringify(value, undefined, 2)}\n` : text);
}

/** Parses the command line and does what it says. Sets the exit code: 2 for a wrong command line, 1 for what failed. */
export async function runCommandLine(): Promise<void> {
  try {
    await program.parseAsync();
  } catch (thrown) {
    if (thrown instanceof CommanderError) {
      process.exitCode = thrown.exitCode === 0 ? 0 : 2;
      return;
    }
    fail(thrown);
  }
}

/** Says what went wrong: one sentence and what would help. */
function fail(thrown: unknown): void {
  process.exitCode = 1;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const code = "code" in error && typeof error.code === "string" ? error.code : "internal";
  const hint = "hint" in error && typeof error.hint === "string" ? error.hint : undefined;
  if (process.argv.includes("--json"))
    process.stdout.write(`${JSON.stringify({ error: { code, message: error.message, hint } }, undefined, 2)}\n`);
  else if (code === "internal" && !(thrown instanceof LabError)) process.stderr.write(`lab: ${error.stack}\n`);
  else process.stderr.write(`lab: ${error.message}\n${hint === undefined ? "" : `  > ${hint}\n`}`);
}
