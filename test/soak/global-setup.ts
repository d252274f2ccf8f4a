import type { TestProject } from "vitest/node";
import { labFor } from "../fleet/lab-setup.ts";
import { soakLab } from "./seed.ts";

/** Two hosts, so that both are one side of every move. */
export default function setup(project: TestProject): () => void {
  return labFor(project, soakLab, "--hosts", "2");
}
