import { z } from "zod";
import { nameSchema } from "../api/meta.ts";
import { tlsFilesSchema } from "./tls-files.ts";

/** `/etc/vfleet/agent.json`: all that a node agent is told. Paths are absolute. */
export const agentConfigSchema = z.strictObject({
  node: nameSchema,
  labels: z.record(z.string(), z.string()).default({}),
  /** Survives reboots: epochs, server records, assignment. */
  stateFolder: z.string().startsWith("/").default("/var/lib/vfleet"),
  /** A tmpfs: sockets, bundles, images of operations under way. */
  runFolder: z.string().startsWith("/").default("/run/vfleet"),
  /** Mount point of a btrfs file system with quotas: images and volumes. */
  volumesFolder: z.string().startsWith("/").default("/var/lib/vfleet/volumes"),
  /** Shared store of what image builds made, keyed by recipe; none: builds are not kept. */
  imageCacheFolder: z.string().startsWith("/").optional(),
  /** HTTP proxy for the packages of image builds, `http://host:port`. */
  packageProxy: z.url().optional(),
  nats: z.strictObject({
    servers: z.array(z.string()).min(1),
    /** File with the nkey seed (`SU…`). */
    nkeySeedFile: z.string().startsWith("/"),
    tls: tlsFilesSchema,
  }),
  /** Common name `node:NAME`. For peers and the controller. */
  tls: tlsFilesSchema,
  underlay: z.strictObject({
    /** IPv4 of this host towards its peers. */
    address: z.ipv4(),
    /** Link it stands on; VXLAN is bound to it. */
    link: z.string(),
    /** Agent's HTTPS listener. */
    port: z.number().int().default(7443),
  }),
  overlay: z
    .strictObject({
      bridge: z.string().default("vfleet0"),
      vxlanId: z.number().int().default(4200),
      vxlanPort: z.number().int().default(4789),
      /** The same on every host. */
      gatewayAddress: z.ipv4().default("10.200.0.1"),
      gatewayMac: z.string().default("02:76:66:00:00:01"),
      prefixLength: z.number().int().default(16),
      mtu: z.number().int().default(1450),
    })
    .prefault({}),
  /** Path under each cgroup hierarchy; servers are made below it. */
  cgroupParent: z.string().startsWith("/").default("/vfleet"),
  /** Overrides what the kernel says, where the host is not the agent's alone. */
  capacity: z.strictObject({ milliCpu: z.number().int(), memoryBytes: z.number().int() }).partial().prefault({}),
  programs: z
    .strictObject({
      criu: z.string().default("criu"),
      runc: z.string().default("runc"),
      conmon: z.string().default("conmon"),
    })
    .prefault({}),
  checkpoints: z
    .strictObject({
      /** 32 random bytes, for its owner only: new checkpoints are encrypted with it. None: they are not. */
      encryptionKeyFile: z.string().startsWith("/").optional(),
    })
    .prefault({}),
  /** Arms failpoints by files in it; tests only. */
  failpointFolder: z.string().startsWith("/").optional(),
});
export type AgentConfig = z.infer<typeof agentConfigSchema>;
