import { errorRegistry } from "@vfleet/shared";

/** Every error `vctl` itself raises; those of the server are `StatusError`. */
export const fail = errorRegistry({
  usage: ({ message }: { message: string }) => message,
  "resource-type-unknown": ({ type }: { type: string }) => `the server doesn't have a resource type "${type}"`,
  "kubeconfig-unreadable": ({ file, reason }: { file: string; reason: string }) =>
    `Cannot read kubeconfig "${file}": ${reason}`,
  "context-unknown": ({ context }: { context: string }) => `no context exists with the name: "${context}"`,
  "server-refused": ({ server }: { server: string }) =>
    `The connection to the server ${server} was refused - did you specify the right host or port?`,
  "server-unreachable": ({ server, reason }: { server: string; reason: string }) =>
    `Unable to connect to the server ${server}: ${reason}`,
  "connection-lost": ({ server, reason }: { server: string; reason: string }) =>
    `Lost the connection to ${server}: ${reason}`,
  "answer-unreadable": ({ path, reason }: { path: string; reason: string }) =>
    `Cannot read the server's answer to ${path}: ${reason}`,
  "manifest-unreadable": ({ file, reason }: { file: string; reason: string }) => `Cannot read "${file}": ${reason}`,
  "server-failed": ({ name, phase, reason }: { name: string; phase: string; reason: string }) =>
    `Virtual server "${name}" is ${phase}: ${reason}`,
  "migration-failed": ({ server, reason }: { server: string; reason: string }) =>
    `Cannot migrate "${server}": ${reason}`,
  "migration-cancelled": ({ migration, reason }: { migration: string; reason: string }) =>
    `Migration "${migration}" was cancelled: ${reason}`,
  "drain-unfinished": ({ node, reason }: { node: string; reason: string }) => `Cannot drain "${node}": ${reason}`,
  "bring-back-unfinished": ({ node, reason }: { node: string; reason: string }) =>
    `Cannot bring everything back to "${node}": ${reason}`,
  "drain-unplanned": ({ node, reason }: { node: string; reason: string }) =>
    `Cannot plan a drain of "${node}": ${reason}`,
  "image-failed": ({ name, reason }: { name: string; reason: string }) => `Cannot make image "${name}": ${reason}`,
  "checkpoint-failed": ({ name, reason }: { name: string; reason: string }) =>
    `Cannot take checkpoint "${name}": ${reason}`,
  "restore-failed": ({ name, reason }: { name: string; reason: string }) =>
    `Cannot finish restore "${name}": ${reason}`,
  "checkpoint-damaged": ({ name, damage }: { name: string; damage: string }) =>
    `Checkpoint "${name}" is not whole: ${damage}`,
  "export-failed": ({ name, reason }: { name: string; reason: string }) =>
    `Cannot write checkpoint "${name}" to a file: ${reason}`,
  "object-gone": ({ what }: { what: string }) => `${what} was deleted meanwhile`,
  "timed-out": ({ what }: { what: string }) => `timed out waiting for ${what}`,
  "exec-refused": ({ name, reason }: { name: string; reason: string }) =>
    `Cannot run a command in "${name}": ${reason}`,
  "check-unusable": ({ reason }: { reason: string }) => `Cannot check this host: ${reason}`,
});

/** A wrong way of calling, with the words of kubectl where it has some. */
export function usageError(message: string, hint?: string) {
  return fail("usage", { message }, hint === undefined ? {} : { hint });
}
