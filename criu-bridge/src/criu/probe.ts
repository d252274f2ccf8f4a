import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf } from "@vfleet/shared";
import { fail } from "../errors.ts";

const run = promisify(execFile);

/** Version of the CRIU that `program` starts, `4.2.1`. */
export async function criuVersion(program: string): Promise<string> {
  let text: string;
  try {
    text = (await run(program, ["--version"])).stdout;
  } catch (thrown) {
    throw fail("program-unusable", { program, reason: messageOf(thrown) }, { cause: thrown });
  }
  const version = /^Version: (\S+)/m.exec(text)?.[1];
  if (version === undefined)
    throw fail("program-unusable", { program, reason: `it doesn't tell its version: ${text.slice(0, 80)}` });
  // Its page server speaks another protocol below: 24-byte requests without a version in them.
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major < 4 || (major === 4 && minor < 2))
    throw fail("program-unusable", { program, reason: `CRIU 4.2 or newer is needed, found ${version}` });
  return version;
}
