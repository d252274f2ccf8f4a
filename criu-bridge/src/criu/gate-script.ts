/** What CRIU stops at and asks for, in the order it comes (criu(8), --action-script). */
export const gates = ["network-lock", "post-dump", "post-restore", "pre-resume"] as const;
export type Gate = (typeof gates)[number];

export type GateVerdict = "go" | "no";

/**
 * The action script of one operation. It never decides by itself: while nobody answers on the socket, because the agent is being
 * restarted, it asks again and CRIU waits. Plain sh, for its start lies within the pause.
 */
export function gateScriptText(socketPath: string): string {
  if (!/^[A-Za-z0-9/._-]+$/.test(socketPath)) throw new RangeError(`no socket path for a shell: ${socketPath}`);
  return `#!/bin/sh
case "$CRTOOLS_SCRIPT_ACTION" in
${gates.join("|")}) ;;
*) exit 0 ;;
esac
while :; do
  answer=$(echo "$CRTOOLS_SCRIPT_ACTION" | socat -t 86400 - UNIX-CONNECT:${socketPath} 2>/dev/null)
  case "$answer" in
  go) exit 0 ;;
  no) exit 1 ;;
  esac
  sleep 0.1
done
`;
}
