import type { CheckpointManifest } from "@vfleet/criu-bridge";
import { z } from "zod";

/** docs/formats/checkpoint.md: members beside those of the manifest, in the order they come. */
export const manifestMember = "manifest.json";
export const configMember = "config.dump";
export const volumeMember = "volume.json";
const volumePartPrefix = "volume/";

/** A volume's stream is as long as it turns out to be, and a tar's members are not: it comes in parts. */
export const volumePartBytes = 4 << 20;
export const manifestBytesMax = 64 << 20;
export const smallMemberBytesMax = 1 << 20;
/** A record of the part's extended header (pax(1)). */
export const partDigestRecord = "VFLEET.sha256";

/** Last of all: an archive without it was cut. */
export const volumeSummarySchema = z.strictObject({
  parts: z.number().int().min(0),
  bytes: z.number().int().min(0),
});

export function volumePartName(number: number): string {
  return `${volumePartPrefix}${String(number).padStart(6, "0")}`;
}

export function isVolumePart(name: string): boolean {
  return name.startsWith(volumePartPrefix);
}

/** What podman and checkpointctl read of a container. For readers only. */
export function configDump({ id, server, takenAt, spec }: CheckpointManifest): string {
  const image = z.object({ image: z.object({ name: z.string(), digest: z.string() }) }).safeParse(spec).data?.image;
  return JSON.stringify({
    id: id.replaceAll("-", ""),
    name: server.replace("/", "-"),
    rootfsImageName: image?.name ?? "",
    rootfsImageRef: image?.digest ?? "",
    runtime: "runc",
    createdTime: takenAt,
    checkpointedTime: takenAt,
  });
}
