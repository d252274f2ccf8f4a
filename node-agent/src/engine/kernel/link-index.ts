import koffi from "koffi";

const nameToIndex = koffi.load("libc.so.6").func("uint if_nametoindex(const char *name)");

/** Index of a network link in this process' network namespace; none where there is no such link. Needs no /sys. */
export function linkIndex(name: string): number | undefined {
  const index = Number(nameToIndex(name));
  return index === 0 ? undefined : index;
}
