import type { TestProject } from "vitest/node";
import { labFor } from "../fleet/lab-setup.ts";
import { highAvailabilityLab } from "./high-availability-lab.ts";

export default function setup(project: TestProject): () => void {
  return labFor(project, highAvailabilityLab, "--hosts", "2", "--controllers", "3");
}
