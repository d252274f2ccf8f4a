import { existsSync, rmSync, writeFileSync } from "node:fs";
import { LabError } from "../lab-error.ts";
import { hostLayout, labLayout } from "../layout.ts";

const actions = ["refuse", "refuse-once", "hold", "clear"] as const;
type FailpointAction = (typeof actions)[number];

/** Arms or clears a failpoint of a host's agent. */
export function failpoint({
  name,
  host,
  point,
  action,
}: {
  name: string;
  host: string;
  point: string;
  action: string;
}): void {
  const folder = hostLayout(labLayout(name), host).failpointFolder;
  if (!existsSync(folder))
    throw new LabError("host-unknown", `lab "${name}" has no host "${host}"`, "lab status lists them");
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(point))
    throw new LabError(
      "failpoint-invalid",
      `"${point}" is not a failpoint's name`,
      "Use lower-case letters, digits, dashes and dots",
    );
  if (!isAction(action))
    throw new LabError("failpoint-invalid", `"${action}" is not an action`, `Use ${actions.join(", ")}`);
  if (action === "clear") rmSync(`${folder}/${point}`, { force: true });
  else writeFileSync(`${folder}/${point}`, `${action}\n`);
}

function isAction(text: string): text is FailpointAction {
  return (actions as readonly string[]).includes(text);
}
