/** Everything an operation needs from CRIU that runc doesn't pass on. */
export interface CriuConfiguration {
  /** Asked at every gate; its exit code counts. */
  gateScript: string;
  /** Dumps: descriptor of the socket to the page server. */
  pageSocket?: number;
  /** Dumps: pages stay with the tasks, and CRIU serves them on that socket after its `post-dump` script. */
  leavesPages?: boolean;
  /**
   * Of dumps and their restores: established connections are not kept. While such a dump goes on the network is not locked: what comes
   * meanwhile is taken when the tasks go on, and no peer has to send it again.
   */
  closesConnections?: boolean;
}

/**
 * For stopping all tasks; CRIU's own limit is 10. It waits for one that waits for its child to become another program (vfork), and has stopped
 * that child before: nothing but letting them go on helps.
 */
const collectLimitSeconds = 5;

/**
 * CRIU's configuration file for one operation (criu(8), CONFIGURATION FILES). What stands here wins over runc's own options.
 * - `network-lock nftables`: no child processes while the tasks are frozen.
 * - `manage-cgroups`: softly, on what the engine has made. CRIU takes no word after a space here; `=ignore` would be taken, but would
 *   leave out the server's cgroup namespace too.
 * - `ghost-limit`: removed files that are still open travel in the images; the default of 1 MiB refuses ordinary servers.
 * - `link-remap`: a file whose name is gone while another name is left can be dumped. It works on a tmpfs, whose content is
 *   dumped afterwards: there every named semaphore is such a file. One on the volume fails the restore, and so the move.
 */
export function criuConfigurationText(configuration: CriuConfiguration): string {
  const { pageSocket, leavesPages = false, closesConnections = false } = configuration;
  const pageServer = leavesPages ? "lazy-pages" : "page-server";
  return [
    `action-script ${configuration.gateScript}`,
    ...(pageSocket === undefined ? [] : [pageServer, `ps-socket ${pageSocket}`]),
    `network-lock ${closesConnections ? "skip" : "nftables"}`,
    "manage-cgroups ignore",
    closesConnections ? "tcp-close" : "tcp-established",
    "file-locks",
    "ext-unix-sk",
    "ghost-limit 256M",
    "link-remap",
    "skip-in-flight",
    `timeout ${collectLimitSeconds}`,
    "",
  ].join("\n");
}
