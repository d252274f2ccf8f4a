export { runVctl } from "./run-vctl.ts";
export type { Cli, Input, Output } from "./cli.ts";
