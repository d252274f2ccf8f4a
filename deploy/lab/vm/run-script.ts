import { shellCommand, shellQuote } from "../shell-quote.ts";

export interface FileServer {
  readonly socket: string;
  readonly command: readonly string[];
}

/** Text of the script that starts a guest's file servers, then becomes its emulator. It talks as box/init.sh does. */
export function runScript(servers: readonly FileServer[], emulator: readonly string[]): string {
  const sockets = servers.map(({ socket }) => shellQuote(socket)).join(" ");
  return [
    "#!/bin/sh",
    "set -eu",
    // The machine's /proc is mounted here: this is the machine's process id.
    "read -r stat </proc/self/stat",
    "read -r boot </proc/sys/kernel/random/boot_id",
    "set -- $stat",
    // They end by themselves when the emulator does.
    ...servers.map(({ command }) => `${shellCommand(command)} </dev/null >&2 &`),
    "tries=0",
    `for socket in ${sockets}; do`,
    '  until [ -S "$socket" ]; do tries=$((tries + 1)); [ "$tries" -lt 200 ]; sleep 0.05; done',
    "done",
    'echo "ready $1 ${22} $boot"',
    "read -r go",
    `exec ${shellCommand(emulator)} </dev/null >&2`,
    "",
  ].join("\n");
}
