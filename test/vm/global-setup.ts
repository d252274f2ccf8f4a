import type { TestProject } from "vitest/node";
import { labFor } from "../fleet/lab-setup.ts";
import { vmLab } from "./vm-fleet.ts";

/** Two virtual machines as hosts. */
export default function setup(project: TestProject): () => void {
  return labFor(project, vmLab, "--vm", "--hosts", "2");
}
