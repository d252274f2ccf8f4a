import { z } from "zod";

/** PEM files. `ca` is the fleet's authority: nothing else is trusted between its parts. */
export const tlsFilesSchema = z.strictObject({
  ca: z.string().startsWith("/"),
  certificate: z.string().startsWith("/"),
  key: z.string().startsWith("/"),
});
export type TlsFiles = z.infer<typeof tlsFilesSchema>;
