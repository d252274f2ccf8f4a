import { hostCheck } from "./check-step.ts";
import type { HostCheck } from "./check-step.ts";
import { probeHost } from "./probe.ts";
import { runBox } from "./run-box.ts";

/** What this host has, then a real move: needs root, takes about a second, leaves nothing behind. */
export function checkHost(): HostCheck {
  const probes = probeHost();
  // Without its programs the move would only fail in a way that is harder to read.
  return hostCheck(hostCheck(probes).ok ? [...probes, ...runBox()] : probes);
}
