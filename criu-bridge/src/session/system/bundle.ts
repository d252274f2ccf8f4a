import { chownSync, lstatSync, mkdirSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { hostFolders, network } from "./host-folders.ts";

/** First of the container's ids. */
export const firstId = 1_000_000_000;
const capabilities = ["CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_OVERRIDE", "CAP_CHOWN", "CAP_FOWNER"];

/** A root with the machine's own programs mounted read-only and a data folder of its own. */
export function fillRoot(root: string): void {
  for (const name of ["usr", "proc", "dev", "tmp", "etc", "data"]) mkdirSync(`${root}/${name}`);
  for (const name of ["bin", "sbin", "lib", "lib64"]) {
    if (lstatSync(`/${name}`).isSymbolicLink()) symlinkSync(readlinkSync(`/${name}`), `${root}/${name}`);
  }
  for (const path of [root, `${root}/proc`, `${root}/dev`, `${root}/tmp`, `${root}/data`])
    chownSync(path, firstId, firstId);
}

/** An OCI bundle of redis in a user namespace. */
export function writeBundle(box: string, host: string, appendOnly: boolean): void {
  const folders = hostFolders(box, host);
  const idMapping = [{ containerID: 0, hostID: firstId, size: 65_536 }];
  const hook = fileURLToPath(new URL("attach-network.sh", import.meta.url));
  const configuration = {
    ociVersion: "1.0.2",
    root: { path: folders.live, readonly: false },
    hostname: "web",
    process: {
      terminal: false,
      user: { uid: 0, gid: 0 },
      args: [
        "redis-server",
        "--bind",
        "0.0.0.0",
        "--protected-mode",
        "no",
        "--dir",
        "/data",
        "--save", // when it is stopped; not meanwhile
        "86400 1",
        "--appendonly",
        appendOnly ? "yes" : "no",
      ],
      env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
      cwd: "/",
      capabilities: { bounding: capabilities, effective: capabilities, permitted: capabilities },
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      { destination: "/dev", type: "tmpfs", source: "tmpfs", options: ["nosuid", "mode=755", "size=65536k"] },
      { destination: "/usr", type: "bind", source: "/usr", options: ["bind", "ro"] },
    ],
    hooks: {
      createRuntime: [
        {
          path: hook,
          args: [hook, host, `${network.serverAddress}/${network.prefixLength}`, network.serverMac],
          env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        },
      ],
    },
    annotations: { "org.criu.config": folders.criuConfig },
    linux: {
      cgroupsPath: `/vfleet-bridge-${process.env["BOX_NAME"] ?? "test"}/${host}/web`,
      uidMappings: idMapping,
      gidMappings: idMapping,
      namespaces: ["user", "pid", "mount", "network", "uts", "ipc"].map((type) => ({ type })),
      resources: { devices: [{ allow: true, access: "rwm" }] },
    },
  };
  mkdirSync(folders.bundle, { recursive: true });
  writeFileSync(`${folders.bundle}/config.json`, JSON.stringify(configuration));
}
