/**
 * One host with one server: `checkpoint-box.ts FOLDER MEGABYTES`, as the first process of a new PID, network and mount namespace. Prints one
 * JSON object with what was seen.
 */
import { fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { codeOf, systemEnvironment } from "@vfleet/shared";
import { processesOf } from "../../criu/container-tasks.ts";
import type { SessionHost } from "../../session/session-options.ts";
import { BoxClient } from "../../session/system/box-client.ts";
import { hostFolders } from "../../session/system/host-folders.ts";
import { containerOf, startAfresh } from "../../session/system/host-ports.ts";
import { prepareBox, untilServing } from "../../session/system/prepare-box.ts";
import { digestOfValues, fillWithValues } from "../../session/system/values.ts";
import { checkpointFolder, listCheckpoints, purgeUnfinishedCheckpoints } from "../checkpoint-folder.ts";
import { readCheckpointKey, type CheckpointKey } from "../kept/checkpoint-key.ts";
import { restoreCheckpoint } from "../restore-checkpoint.ts";
import { takeCheckpoint } from "../take-checkpoint.ts";
import { boxHost, hostName, server, takeOptions } from "./box-host.ts";
import { restorePorts } from "./checkpoint-ports.ts";

const [box = "", megabytes = "0"] = process.argv.slice(2);
const folders = hostFolders(box, hostName);
const memoryBytes = Number(megabytes) * 1024 * 1024;

async function main() {
  prepareBox(box, [hostName]);
  const host = await boxHost(box);
  await startAfresh(box, hostName);
  await untilServing();
  const tasks = () => processesOf(containerOf(box, hostName)).size;
  const take = (id: string) => takeCheckpoint(takeOptions(host, { box, id, memoryBytes }));
  const restore = (id: string, operation: string, onRunning = () => {}) =>
    restoreCheckpoint({ host, ports: restorePorts(box, hostName), id, server, operation, onRunning });
  const codeOfFailed = (work: Promise<unknown>) => work.then(() => "none", codeOf);
  const failpoint = (at: string) => writeFileSync(`${folders.failpoints}/${at}`, "refuse-once");

  const values = await fillWithValues(memoryBytes);
  const client = new BoxClient({ connectsAgain: false });
  await client.reportAnswered();

  failpoint("checkpoint.take.post-dump");
  const refused = {
    code: await codeOfFailed(take("refused")),
    client: await client.reportAnswered(),
    left: [...listCheckpoints(host.stateFolder), ...purgeUnfinishedCheckpoints(host.stateFolder)],
    snapshots: readdirSync(folders.volumes).filter((entry) => entry !== "web"),
  };

  writeFileSync(`${folders.failpoints}/checkpoint.take.post-dump`, "hold");
  const taker = fork(fileURLToPath(new URL("take-one.ts", import.meta.url)), [box, "interrupted", String(memoryBytes)]);
  const ended = new Promise((resolve) => taker.once("exit", resolve));
  const interruptedImages = checkpointFolder(host.stateFolder, "interrupted").images;
  while (!existsSync(`${interruptedImages}/inventory.img`)) await systemEnvironment.sleep(20);
  taker.kill("SIGKILL");
  await ended;
  rmSync(`${folders.failpoints}/checkpoint.take.post-dump`);
  const interrupted = {
    client: await client.reportAnswered(),
    listed: listCheckpoints(host.stateFolder),
    purged: purgeUnfinishedCheckpoints(host.stateFolder),
  };

  const taken = await take("first");
  // Nothing but its client was at work in between.
  const again = await take("again");
  const afterTaking = await client.reportAnswered();

  // What it has written since must be gone afterwards, and what it had written be there.
  writeFileSync(`${folders.live}/data/later`, "");
  const before = tasks();
  const { images, chunks } = checkpointFolder(host.stateFolder, "first");
  const flip = () => {
    for (const chunk of readdirSync(chunks)) {
      const content = readFileSync(`${chunks}/${chunk}`);
      content[0] = (content[0] ?? 0) ^ 1;
      writeFileSync(`${chunks}/${chunk}`, content);
    }
  };
  flip();
  const flipped = await codeOfFailed(restore("first", "flipped"));
  flip();
  appendFileSync(`${images}/stranger`, "");
  const stranger = await codeOfFailed(restore("first", "stranger"));
  rmSync(`${images}/stranger`);
  const damaged = { codes: [flipped, stranger], client: await client.reportAnswered() };

  failpoint("checkpoint.restore.post-restore");
  const failed = {
    code: await codeOfFailed(restore("first", "failed")),
    tasks: tasks(),
    later: existsSync(`${folders.live}/data/later`),
  };

  const gate = `${folders.failpoints}/checkpoint.restore.post-restore`;
  writeFileSync(gate, "hold");
  const late = codeOfFailed(restore("first", "late"));
  const lateLog = `${host.stateFolder}/operations/late-restore/restore.log`;
  while (!existsSync(lateLog) || !readFileSync(lateLog, "utf8").includes("post-restore"))
    await systemEnvironment.sleep(20);
  flip();
  rmSync(gate);
  const damagedLate = { code: await late, tasks: tasks(), later: existsSync(`${folders.live}/data/later`) };
  flip();

  const restores = [];
  for (const operation of ["once", "again"]) {
    const askedMs = systemEnvironment.monotonicMs();
    let answers = Promise.resolve(0);
    const answer = () => untilServing().then(() => systemEnvironment.monotonicMs() - askedMs);
    const { pauseMs, timeline } = await restore("first", operation, () => void (answers = answer()));
    const answeredMs = await answers;
    const intact = (await digestOfValues(values.count)) === values.digest;
    const later = existsSync(`${folders.live}/data/later`);
    const countedFrom = await counter();
    restores.push({ pauseMs, answeredMs, timeline, intact, later, tasks: tasks(), countedFrom });
    writeFileSync(`${folders.live}/data/later`, "");
  }
  const keyed = { ...host, checkpointKey: makeKey(host) };
  const { manifest } = await takeCheckpoint({ ...takeOptions(host, { box, id: "sealed", memoryBytes }), host: keyed });
  const ports = restorePorts(box, hostName);
  await restoreCheckpoint({ host: keyed, ports, id: "sealed", server, operation: "sealed" });
  await untilServing();
  const sealed = {
    keyId: manifest.kept?.keyId,
    withoutKey: await codeOfFailed(restore("sealed", "keyless")),
    intact: (await digestOfValues(values.count)) === values.digest,
  };

  await client.renew();
  const afterRestore = await client.reportAnswered();
  client.end();
  return {
    refused,
    interrupted,
    taken,
    again,
    afterTaking,
    damaged,
    failed,
    damagedLate,
    sealed,
    restores,
    before,
    afterRestore,
  };
}

function makeKey({ runFolder, stateFolder }: SessionHost): CheckpointKey {
  const file = `${stateFolder}/key`;
  writeFileSync(file, randomBytes(32), { mode: 0o600 });
  return { file, sealing: readCheckpointKey(file), plainFolder: `${runFolder}/checkpoints-plain` };
}

/** What the server has counted, read by a client of its own. */
async function counter(): Promise<number> {
  const client = new BoxClient({ connectsAgain: false });
  const { lastValue, answers } = await client.reportAnswered();
  client.end();
  return lastValue - answers;
}

export type CheckpointBoxReport = Awaited<ReturnType<typeof main>>;

process.stdout.write(`${JSON.stringify(await main())}\n`);
// The first process's end is the end of everything in the box.
process.exit(0);
