import { until } from "../../fleet/program.ts";
import { answersOn, programLoad, type Place, type Workload } from "./workload.ts";

/** Each connection gets a shell on a pseudo-terminal of its own. */
const socat = ["TCP-LISTEN:7000,reuseaddr,fork", "EXEC:bash --norc -i,pty,setsid,ctty,stderr,echo=0"];

function tmux({ fleet, server }: Place, ...words: string[]): Promise<string> {
  return fleet.does("exec", server, "--", "tmux", "-L", "kept", "-u", ...words);
}

/** Types into the session and waits until the screen shows what is expected. */
async function type(place: Place, line: string, expected: string): Promise<void> {
  await tmux(place, "send-keys", "-t", "work", "-l", line);
  await tmux(place, "send-keys", "-t", "work", "Enter");
  await until(`the session to show ${expected}`, 20_000, async () =>
    (await tmux(place, "capture-pane", "-p", "-t", "work")).includes(expected) ? true : undefined,
  );
}

/** Interactive shells on terminals inside the server: behind a TCP connection, and in a tmux that was left running by `vctl exec`. */
export const terminals: Workload = {
  name: "terminals",
  memory: "256Mi",
  command: ["socat", ...socat],
  probe: answersOn(7000),
  load: async (place) => {
    const shell = programLoad(place, ["socat", "-", `TCP:${place.address}:7000`]);
    const says = (words: string) =>
      until(`the shell to say ${words}`, 20_000, () => (shell.printed().includes(words) ? true : undefined));
    shell.stdin.write("stty rows 33 columns 99; cd /srv; kept=from-before; sleep 1000 & echo begun-$((20+22))\n");
    await says("begun-42");
    await tmux(place, "new-session", "-d", "-s", "work", "-x", "100", "-y", "40", "bash --norc");
    await type(place, "cd /var; held=typed-before; sleep 1000 & echo ready-$((40+2))", "ready-42");
    const before = await tmux(place, "list-panes", "-t", "work", "-F", "#{pane_pid} #{pane_tty}");
    return {
      finish: async () => {
        shell.stdin.write('echo $kept in $PWD with $(jobs -p | wc -l) job, size $(stty size), on "$(tty)"\n');
        await says("from-before in /srv with 1 job, size 33 99, on /dev/pts/");
        await type(place, "echo $held in $PWD with $(jobs -p | wc -l) job", "typed-before in /var with 1 job");
        const after = await tmux(place, "list-panes", "-t", "work", "-F", "#{pane_pid} #{pane_tty}");
        if (after !== before) throw new Error(`the session had ${before}, has ${after}`);
        // What is started now has the same clocks as what was restored: otherwise it would hold the server where it is.
        const clocks = await place.fleet.does(
          "exec",
          place.server,
          "--",
          "readlink",
          "/proc/1/ns/time",
          "/proc/self/ns/time",
        );
        const [restored, started] = clocks.split("\n");
        if (restored !== started) throw new Error(`time namespaces differ: ${clocks}`);
        shell.stdin.write("kill %1; exit\n");
        const code = await shell.ended;
        if (code !== 0) throw new Error(`the connection ended with ${code}: ${shell.printed()}`);
      },
    };
  },
};
