import { startWithConmon } from "./conmon-start.ts";

/** A process that starts conmon with the command of its arguments, for tests that kill it. */
const [errorFile = "", ...command] = process.argv.slice(2);
await startWithConmon({ command, searchPath: process.env["PATH"] ?? "", errorFile });
