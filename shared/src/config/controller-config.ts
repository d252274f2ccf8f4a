import { z } from "zod";
import { tlsFilesSchema } from "./tls-files.ts";

const memberSchema = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, "must be a host's name: letters, digits, dashes");

/** `/etc/vfleet/controller.json`: all that a controller is told. Paths are absolute. */
export const controllerConfigSchema = z.strictObject({
  listen: z.strictObject({
    host: z.string().default("0.0.0.0"),
    port: z.number().int().default(6443),
    /** The same HTTPS API on a Unix socket, for a forwarder. */
    socket: z.string().startsWith("/").optional(),
  }),
  /** The API's own certificate, for clients. */
  tls: tlsFilesSchema,
  /** Common name `controller`: towards agents. */
  agentTls: tlsFilesSchema,
  nats: z.strictObject({
    servers: z.array(z.string()).min(1),
    nkeySeedFile: z.string().startsWith("/"),
    tls: tlsFilesSchema,
    /** Copies of each record. */
    replicas: z.number().int().min(1).max(5).default(1),
  }),
  /** Several controllers, of which one leads at a time. None: this is the only one, and leads from its start. */
  leadership: z
    .strictObject({
      /** Which of `members` this is; no other process may call itself so. */
      member: memberSchema,
      /** All controllers, the same list at each. More than half of them must run for one to lead. */
      members: z.array(memberSchema).min(2).max(7),
      /** A leader that hears of less than half of the others for so long ceases to lead; after a little longer another one does. */
      leaseMs: z.number().int().min(500).max(60_000).default(1500),
    })
    .refine(({ members }) => new Set(members).size === members.length, {
      error: "names a member twice",
      path: ["members"],
    })
    .refine(({ member, members }) => members.includes(member), { error: "is none of members", path: ["member"] })
    .optional(),
  /** Plain HTTP, for probes, whether this controller leads or not: `/healthz`, `/readyz`, `/metrics`. None: not served. */
  health: z
    .strictObject({ host: z.string().default("127.0.0.1"), port: z.number().int().min(0).max(65_535).default(6444) })
    .optional(),
  redis: z.strictObject({ url: z.string() }),
  /** JSON array of `{name, groups, sha256}`: bearer tokens by their SHA-256 (hex). */
  tokensFile: z.string().startsWith("/"),
  overlay: z
    .strictObject({
      /** Servers' addresses are taken from here. */
      range: z.cidrv4().default("10.200.0.0/16"),
      gatewayAddress: z.ipv4().default("10.200.0.1"),
      /** Not given to servers. */
      reserved: z.array(z.cidrv4()).default(["10.200.255.0/24"]),
      /** Hosts on the overlay without an agent. */
      gateways: z.array(z.strictObject({ name: z.string(), address: z.ipv4() })).default([]),
    })
    .prefault({}),
  /** Host ids for the servers' blocks of 65,536. */
  idBlocks: z
    .strictObject({ start: z.number().int().default(1_000_000_000), count: z.number().int().default(16_384) })
    .prefault({}),
  heartbeat: z
    .strictObject({
      /** A node that was not heard of for so long is NotReady. */
      graceMs: z.number().int().default(10_000),
    })
    .prefault({}),
  /** Of hosts that are lost; see docs/controller.md. */
  failover: z
    .strictObject({
      /** A host that was not answered for so long has ended the servers that may be taken over. */
      leaseMs: z.number().int().min(2000).max(600_000).default(20_000),
      /** Waited beyond the lease. */
      graceMs: z.number().int().min(1000).max(600_000).default(10_000),
    })
    .prefault({}),
  migration: z
    .strictObject({
      parallelPerFleet: z.number().int().min(1).default(5),
      parallelOutboundPerNode: z.number().int().min(1).default(2),
    })
    .prefault({}),
});
export type ControllerConfig = z.infer<typeof controllerConfigSchema>;

export const tokensFileSchema = z.array(
  z.strictObject({ name: z.string(), groups: z.array(z.string()), sha256: z.string().regex(/^[0-9a-f]{64}$/) }),
);
