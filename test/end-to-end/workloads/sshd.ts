import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { run, until } from "../../fleet/program.ts";
import { answersOn, programLoad, type Workload } from "./workload.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-ssh-"));
const key = join(folder, "key");
const start = `
install -d /run/sshd && install -d -m 700 /root/.ssh && echo "$PUBLIC_KEY" >/root/.ssh/authorized_keys
exec /usr/sbin/sshd -D -e -o UsePAM=no -o StrictModes=no
`;

/** A login that stays open: its shell on a pseudo-terminal keeps variables, folder and a job in the background. */
export const sshd: Workload = {
  name: "sshd",
  memory: "256Mi",
  command: ["sh", "-c", start],
  environment: async () => {
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    return { PUBLIC_KEY: readFileSync(`${key}.pub`, "utf8").trim() };
  },
  probe: answersOn(22),
  load: async (place) => {
    const options = ["-tt", "-i", key, "-o", "StrictHostKeyChecking=no", "-o", `UserKnownHostsFile=${folder}/known`];
    const login = programLoad(place, ["ssh", ...options, `root@${place.address}`, "bash -i"]);
    const says = (words: string) =>
      until(`the shell to say ${words}`, 20_000, () => (login.printed().includes(words) ? true : undefined));
    login.stdin.write("stty -echo; cd /srv; kept=from-before; sleep 1000 & echo begun-$((20+22))\n");
    await says("begun-42");
    return {
      finish: async () => {
        login.stdin.write("echo $kept in $PWD with $(jobs -p | wc -l) job and size $(stty size)\n");
        await says("from-before in /srv with 1 job");
        login.stdin.write("kill %1; exit 7\n");
        const code = await login.ended;
        rmSync(folder, { recursive: true, force: true });
        if (code !== 7) throw new Error(`the login ended with ${code}: ${login.printed()}`);
      },
    };
  },
};
