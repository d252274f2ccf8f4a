import type { Freezer } from "./freezer.ts";

/** Where CRIU stops until it is told to go on, in the order it comes (criu(8), --action-script). */
export const gates = ["network-lock", "post-dump", "post-restore"] as const;
export type Gate = (typeof gates)[number];

/** What CRIU only tells: it doesn't wait. */
export const passings = ["pre-dump", "pre-resume"] as const;
export type Passing = (typeof passings)[number];

export type GateVerdict = "go" | "no";

export interface GateScriptOptions {
  /** Stops the tasks before a dump. */
  freezer?: Freezer | undefined;
  /**
   * Nothing is decided elsewhere: where nobody answers it is no, and the tasks go on as soon as CRIU has ended. So an agent that dies never
   * leaves them frozen.
   */
  standsAlone?: boolean;
  /** With `standsAlone`: the tasks stay frozen until who dumps them has said what becomes of them. */
  keepsFrozen?: boolean;
}

/**
 * The action script of one operation. It never decides by itself: while nobody answers on the socket, because the agent is being
 * restarted, it asks again and CRIU waits. Plain sh, for its start lies within the pause.
 *
 * Before a dump it freezes the tasks, last of all: CRIU would do it next, but looks only every 100 ms whether they are frozen. Whoever
 * ends the operation thaws them, unless they are gone.
 */
export function gateScriptText(
  socketPath: string,
  { freezer, standsAlone = false, keepsFrozen = false }: GateScriptOptions = {},
): string {
  for (const path of [socketPath, freezer?.file ?? ""]) {
    if (!/^[A-Za-z0-9/._-]*$/.test(path)) throw new RangeError(`no path for a shell: ${path}`);
  }
  const thawLater = standsAlone && !keepsFrozen && freezer !== undefined ? thawAfterParent(freezer) : "";
  const freeze = freezer === undefined ? ":" : `{ ${thawLater}echo ${freezer.frozen} >${freezer.file}; }`;
  return `#!/bin/sh
case "$CRTOOLS_SCRIPT_ACTION" in
${gates.join("|")}) ;;
${passings.join("|")})
  echo "$CRTOOLS_SCRIPT_ACTION" | socat -t 0 - UNIX-CONNECT:${socketPath} >/dev/null 2>&1 &
  [ "$CRTOOLS_SCRIPT_ACTION" != pre-dump ] || ${freeze}
  exit 0
  ;;
*) exit 0 ;;
esac
while :; do
  answer=$(echo "$CRTOOLS_SCRIPT_ACTION" | socat -t 86400 - UNIX-CONNECT:${socketPath} 2>/dev/null)
  case "$answer" in
  go) exit 0 ;;
  no) exit 1 ;;${standsAlone ? "\n  *) exit 1 ;;" : ""}
  esac
  sleep 0.1
done
`;
}

/** CRIU, which starts the script, leaves a cgroup frozen that was so before; it is told of nothing after that. */
function thawAfterParent({ file, thawed }: Freezer): string {
  return `{ tail --pid=$PPID -s 0.005 -f /dev/null; echo ${thawed} >${file}; } >/dev/null 2>&1 & `;
}
