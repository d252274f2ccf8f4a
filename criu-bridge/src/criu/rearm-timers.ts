import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { imageMessages, readFields } from "./image-fields.ts";

/** `FileEntry` and `TimerfdEntry` of CRIU's images/fdinfo.proto and images/timerfd.proto: numbers of the fields that are read. */
const typeField = 1;
const timerField = 12;
const timerType = 17;
const secondsLeftField = 7;
const nanosecondsLeftField = 8;
const intervalFields = [9, 10];

/**
 * Lets periodic timer descriptors go on after a restore. One that has fired and has not been read has no time left in the
 * image: the kernel starts its next period when it is read. To timerfd_settime(2), which CRIU restores it with, no time left
 * means never again. Here it gets a nanosecond, so it fires at once. A server that ticks faster than it is frozen is always caught so.
 */
export function rearmTimers(imagesFolder: string): void {
  const path = join(imagesFolder, "files.img");
  if (!existsSync(path)) return;
  const image = readFileSync(path);
  if (rearmTimersIn(image) > 0) writeFileSync(path, image);
}

/** Changes the bytes of a `files` image in place; gives the number of timers that were rearmed. */
export function rearmTimersIn(image: Buffer): number {
  let rearmed = 0;
  for (const message of imageMessages(image)) {
    const file = readFields(message);
    const timer = file.get(timerField);
    if (file.get(typeField)?.value === timerType && timer !== undefined && rearm(timer.bytes)) rearmed += 1;
  }
  return rearmed;
}

function rearm(timer: Buffer): boolean {
  const fields = readFields(timer);
  const isPeriodic = intervalFields.some((field) => (fields.get(field)?.value ?? 0) > 0);
  const nanoseconds = fields.get(nanosecondsLeftField);
  if (!isPeriodic || fields.get(secondsLeftField)?.value !== 0 || nanoseconds?.value !== 0) return false;
  // A required field is written even where it is zero, which takes a byte, as one does.
  nanoseconds.bytes[0] = 1;
  return true;
}
