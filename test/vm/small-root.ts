import {
  appendFileSync,
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname } from "node:path";
import { installedPaths } from "../../deploy/install/where.ts";
import { run } from "../fleet/program.ts";

const redisPrograms = ["/usr/bin/redis-server", "/usr/bin/redis-cli"];
/** Of the database in a small root: initdb(1) wants one that the machine has, too. */
export const databaseUser = { name: "postgres", id: 65_534 };
export const databaseFolder = "/srv/pg";

/**
 * A tar file with the smallest root that has a redis: the machine's own program with its libraries, and a shell. An image
 * of packages takes minutes to unpack where every instruction is emulated.
 */
export function makeRedisRoot(tarFile: string): Promise<void> {
  return makeSmallRoot(tarFile, async (folder) => {
    for (const program of redisPrograms) await copyProgram(program, folder);
  });
}

/** The same with a PostgreSQL, whose database is made already. */
export function makeDatabaseRoot(tarFile: string): Promise<void> {
  return makeSmallRoot(tarFile, async (folder) => {
    const server = realpathSync(`${installedPaths().binFolder}/pgbench`).replace(/\/bin\/pgbench$/, "");
    const share = server.replace("/lib/postgresql/", "/share/postgresql/");
    const unpacked = server.replace(/\/usr\/lib\/postgresql\/.*/, "");
    await copyProgram(`${server}/bin/postgres`, folder, unpacked);
    for (const part of [share, `${server}/lib`])
      cpSync(part, `${folder}${part.slice(unpacked.length)}`, {
        recursive: true,
        filter: (file) => !file.includes("llvmjit"),
      });
    const owner = String(databaseUser.id);
    const data = `${folder}${databaseFolder}`;
    mkdirSync(data);
    for (const each of [folder, `${folder}/srv`]) chmodSync(each, 0o755);
    chownSync(data, databaseUser.id, databaseUser.id);
    const as = ["--reuid", owner, "--regid", owner, "--clear-groups"];
    await done(
      "setpriv",
      ...as,
      `${server}/bin/initdb`,
      "-D",
      data,
      "-U",
      databaseUser.name,
      "-A",
      "trust",
      "--no-locale",
      "--no-sync",
    );
    appendFileSync(`${data}/pg_hba.conf`, "host all all 0.0.0.0/0 trust\n");
    appendFileSync(
      `${data}/postgresql.conf`,
      "listen_addresses = '*'\nunix_socket_directories = '/tmp'\ntimezone = 'GMT'\nlog_timezone = 'GMT'\n",
    );
  });
}

async function makeSmallRoot(tarFile: string, fill: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(`${tmpdir()}/vfleet-root-`);
  try {
    for (const each of ["bin", "dev", "etc", "proc", "root", "run", "srv", "sys", "tmp", "var"])
      mkdirSync(`${folder}/${each}`);
    copyFileSync(`${installedPaths().guestFolder}/bin/busybox`, `${folder}/bin/busybox`);
    for (const name of ["sh", "cat", "ls", "su", "sync", "sleep"]) symlinkSync("busybox", `${folder}/bin/${name}`);
    const { name, id } = databaseUser;
    writeFileSync(`${folder}/etc/passwd`, `root:x:0:0:root:/root:/bin/sh\n${name}:x:${id}:${id}::/srv:/bin/sh\n`);
    writeFileSync(`${folder}/etc/group`, `root:x:0:\n${name}:x:${id}:\n`);
    chmodSync(`${folder}/tmp`, 0o1777);
    await fill(folder);
    await done("tar", "--create", "--file", tarFile, "--directory", folder, "--numeric-owner", ".");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** With the libraries that it is linked with; `unpacked`: where the files of its package are, if it is not installed. */
async function copyProgram(program: string, folder: string, unpacked = ""): Promise<void> {
  const linked = await done("ldd", program);
  const missing = /^\s*(\S+) => not found/m.exec(linked)?.[1];
  if (missing !== undefined) throw new Error(`${program} needs ${missing}, which this machine doesn't have`);
  copy(program, `${folder}${program.slice(unpacked.length)}`);
  for (const file of sharedLibraries(linked)) copy(file, `${folder}${file}`);
}

async function done(program: string, ...args: string[]): Promise<string> {
  const finished = await run(program, args);
  if (finished.code !== 0) throw new Error(`${program} ended with ${finished.code}: ${finished.stderr}`);
  return finished.stdout;
}

/** Files that ldd(1) names, the loader among them. */
function sharedLibraries(ldd: string): readonly string[] {
  return [...ldd.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, file = ""]) => file);
}

function copy(from: string, to: string): void {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}
