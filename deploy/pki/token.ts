import { createHash, randomBytes } from "node:crypto";

/** A new bearer token: 256 random bits. */
export function createToken(): string {
  return randomBytes(32).toString("base64url");
}

/** What the controller keeps of a token. */
export function tokenDigest(token: string): string {
  return createHash("sha256").update(token).digest("hex");
}
