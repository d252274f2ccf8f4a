import { stripVTControlCharacters } from "node:util";
import type { TestModule } from "vitest/node";

const messageLength = 2_000;

/** Each test and file that failed, with the first words of why; empty where none did. */
export function failedTests(modules: readonly TestModule[]): string {
  const lines = modules.flatMap((module) => {
    const file = module.relativeModuleId;
    const tests = [...module.children.allTests("failed")].map((test) =>
      entry(`${file} > ${test.fullName}`, test.result().errors),
    );
    const suites = [module, ...module.children.allSuites()].flatMap((suite) => {
      const errors = suite.errors();
      return errors.length === 0 ? [] : [entry(`${file}: ${suite.type}`, errors)];
    });
    return [...suites, ...tests];
  });
  return lines.length === 0 ? "" : `\nFailed: ${lines.length}\n${lines.join("\n")}\n`;
}

function entry(
  name: string,
  errors: readonly { message: string; stacks?: readonly { file: string; line: number }[] }[] = [],
): string {
  const reasons = errors.map(({ message, stacks }) => {
    const place = stacks?.[0];
    const where = place === undefined ? "" : ` (${place.file}:${place.line})`;
    return `    ${stripVTControlCharacters(message).slice(0, messageLength).replaceAll("\n", "\n    ")}${where}`;
  });
  return [`  ${name}`, ...reasons].join("\n");
}
