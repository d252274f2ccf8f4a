import { PassThrough, Readable } from "node:stream";
import { describe, expect, test } from "vitest";
import { readProgram, writeProgram } from "./stream-program.ts";

describe("writeProgram", () => {
  test("is done when the program has had all it needs, although the stream goes on", async () => {
    const input = new PassThrough();
    input.write("first line\n");
    await expect(writeProgram(["head", "-n", "1"], input)).resolves.toBeUndefined();
  });

  test("fails with what the program said, not with its broken pipe", async () => {
    const input = Readable.from([Buffer.alloc(1 << 20), Buffer.alloc(1 << 20)]);
    await expect(writeProgram(["sh", "-c", "echo no room >&2; exit 3"], input)).rejects.toThrow(/status 3.*no room/);
  });

  test("ends the program where the stream fails", async () => {
    const input = new PassThrough();
    input.write("part");
    const written = writeProgram(["cat"], input);
    input.destroy(new Error("cut"));
    await expect(written).rejects.toThrow("cut");
  });
});

describe("readProgram", () => {
  test("never ends well where the program did not", async () => {
    const output = readProgram(["sh", "-c", "echo part; exit 1"]);
    const read = async () => {
      for await (const _ of output) {
        // only its end matters
      }
    };
    await expect(read()).rejects.toThrow(/status 1/);
  });
});
