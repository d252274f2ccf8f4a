export interface ContainerPlace {
  readonly stateFolder: string;
  readonly runtimeLog: string;
  readonly bundleFolder: string;
  readonly id: string;
  readonly imageFolder: string;
  readonly workFolder: string;
}

/** Where CRIU leaves its log of an operation. */
export function logFile({ workFolder }: ContainerPlace, operation: "dump" | "restore"): string {
  return `${workFolder}/${operation}.log`;
}

export function runArguments(place: ContainerPlace): readonly string[] {
  return [...runc(place), "run", "--detach", "--bundle", place.bundleFolder, place.id];
}

export function checkpointArguments(place: ContainerPlace): readonly string[] {
  return [...runc(place), "checkpoint", ...imageOptions(place), place.id];
}

export function restoreArguments(place: ContainerPlace): readonly string[] {
  return [...runc(place), "restore", "--detach", "--bundle", place.bundleFolder, ...imageOptions(place), place.id];
}

export function processListArguments(place: ContainerPlace): readonly string[] {
  return [...runc(place), "ps", "--format", "json", place.id];
}

export function stateArguments(place: ContainerPlace): readonly string[] {
  return [...runc(place), "state", place.id];
}

export function deleteArguments(place: ContainerPlace): readonly string[] {
  return [...runc(place), "delete", "--force", place.id];
}

function runc({ stateFolder, runtimeLog }: ContainerPlace): readonly string[] {
  return ["runc", "--root", stateFolder, "--log", runtimeLog];
}

function imageOptions({ imageFolder, workFolder }: ContainerPlace): readonly string[] {
  return ["--image-path", imageFolder, "--work-path", workFolder, "--tcp-established"];
}
