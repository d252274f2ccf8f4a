import { z } from "zod";

/** More than any host has: a report that says so is refused, and names the member. */
const most = { milliCpu: 1e8, bytes: 2 ** 52, servers: 1e6 };

export const resourcesSchema = z.object({
  milliCpu: z.number().int().min(0).max(most.milliCpu),
  memoryBytes: z.number().int().min(0).max(most.bytes),
  diskBytes: z.number().int().min(0).max(most.bytes),
  servers: z.number().int().min(0).max(most.servers),
});
export type NodeResources = z.infer<typeof resourcesSchema>;
