import type { TestProject } from "vitest/node";
import { labFor } from "../fleet/lab-setup.ts";
import { endToEndLab } from "../fleet/paths.ts";

/** A control host, a client host, three hosts. */
export default function setup(project: TestProject): () => void {
  return labFor(project, endToEndLab, "--hosts", "3");
}
