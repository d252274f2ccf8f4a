/** Everything an operation needs from CRIU that runc doesn't pass on. */
export interface CriuConfiguration {
  /** Asked at every gate; its exit code counts. */
  gateScript: string;
  /** Dumps: descriptor of the socket to the page server. */
  pageSocket?: number;
}

/**
 * CRIU's configuration file for one operation (criu(8), CONFIGURATION FILES). What stands here wins over runc's own options.
 * - `network-lock nftables`: no child processes while the tasks are frozen.
 * - `manage-cgroups ignore`: the engine makes the cgroups on both sides; CRIU needs 20 ms for them.
 * - `ghost-limit`: removed files that are still open travel in the images; the default of 1 MiB refuses ordinary servers.
 */
export function criuConfigurationText(configuration: CriuConfiguration): string {
  return [
    `action-script ${configuration.gateScript}`,
    ...(configuration.pageSocket === undefined ? [] : ["page-server", `ps-socket ${configuration.pageSocket}`]),
    "network-lock nftables",
    "manage-cgroups ignore",
    "tcp-established",
    "file-locks",
    "ext-unix-sk",
    "ghost-limit 256M",
    "skip-in-flight",
    "",
  ].join("\n");
}
