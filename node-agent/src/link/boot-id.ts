import { existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Environment } from "@vfleet/shared";

/** One id from power-on to power-off: the file lies on a tmpfs. The kernel's own says nothing of a host that shares it with others. */
export function bootId(file: string, environment: Environment): string {
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  const id = environment.id();
  writeFileSync(file, `${id}\n`, { mode: 0o600 });
  return id;
}
