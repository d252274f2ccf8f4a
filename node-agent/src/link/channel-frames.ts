/**
 * Framing of Kubernetes' `v5.channel.k8s.io` (WebSocket subprotocol of exec and attach): each binary message is a channel
 * byte and data. Channel 255 carries the number of a channel that the client closes.
 */
export const channels = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;
export const channelProtocol = "v5.channel.k8s.io";

export function channelFrame(channel: number, data: Buffer): Buffer {
  return Buffer.concat([Buffer.of(channel), data]);
}

/** `metav1.Status` that ends an exec: success, or how the command ended. */
export function exitStatus(exitCode: number): Buffer {
  const status =
    exitCode === 0
      ? { metadata: {}, status: "Success" }
      : {
          metadata: {},
          status: "Failure",
          message: `command terminated with non-zero exit code: exit status ${exitCode}`,
          reason: "NonZeroExitCode",
          details: { causes: [{ reason: "ExitCode", message: String(exitCode) }] },
        };
  return Buffer.from(JSON.stringify(status));
}

/** `metav1.Status` of a command that could not be run. */
export function failureStatus(message: string): Buffer {
  return Buffer.from(JSON.stringify({ metadata: {}, status: "Failure", message, reason: "InternalError", code: 500 }));
}
