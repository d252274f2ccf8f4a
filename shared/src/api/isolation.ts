import { z } from "zod";

/**
 * What a server may do inside. `Default`: what one program and its children need. `Systemd`: an init system may run as first process,
 * with mounts and cgroups of its own, bounded by the server's user namespace.
 */
export const isolationSchema = z.enum(["Default", "Systemd"]);
export type Isolation = z.infer<typeof isolationSchema>;
