import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { TLSSocket } from "node:tls";
import { readConfig, tokensFileSchema, type Environment } from "@vfleet/shared";
import { StatusError } from "./status.ts";

/** Who asks. */
export interface User {
  name: string;
  groups: readonly string[];
}

export const anonymous: User = { name: "system:anonymous", groups: ["system:unauthenticated"] };
const authenticatedGroup = "system:authenticated";
const recheckMs = 1000;

/**
 * Bearer tokens by their SHA-256, and client certificates of the fleet's authority (common name: user, organisations:
 * groups). The tokens file is read again when it changes.
 */
export class Authenticator {
  readonly #tokensFile: string;
  readonly #environment: Environment;
  #users = new Map<string, User>();
  #readAtMs = Number.NEGATIVE_INFINITY;
  #stamp = "";

  /** Throws `config-invalid` for a tokens file that cannot be used. */
  constructor(tokensFile: string, environment: Environment) {
    this.#tokensFile = tokensFile;
    this.#environment = environment;
    this.#refresh();
  }

  /** Throws 401 for credentials that are wrong; no credentials are `anonymous`. */
  authenticate(request: IncomingMessage): User {
    const header = request.headers.authorization;
    if (header !== undefined) {
      const token = /^bearer\s+(\S+)$/i.exec(header)?.[1];
      this.#refresh();
      // Looked up by hash: how long that takes says nothing of how much of a guessed token was right.
      const user = token === undefined ? undefined : this.#users.get(createHash("sha256").update(token).digest("hex"));
      if (user === undefined) throw unauthorized();
      return user;
    }
    return certificateUser(request) ?? anonymous;
  }

  #refresh(): void {
    const now = this.#environment.monotonicMs();
    if (now - this.#readAtMs < recheckMs) return;
    this.#readAtMs = now;
    const file = statSync(this.#tokensFile, { throwIfNoEntry: false });
    const stamp = `${file?.mtimeMs ?? 0}/${file?.size ?? 0}/${file?.ino ?? 0}`;
    if (stamp === this.#stamp) return;
    const entries = readConfig(this.#tokensFile, tokensFileSchema);
    this.#users = new Map(
      entries.map((entry) => [entry.sha256, { name: entry.name, groups: [...entry.groups, authenticatedGroup] }]),
    );
    this.#stamp = stamp;
  }
}

export function unauthorized(): StatusError {
  return new StatusError({ code: 401, reason: "Unauthorized" }, "Unauthorized");
}

function certificateUser(request: IncomingMessage): User | undefined {
  const { socket } = request;
  if (!(socket instanceof TLSSocket) || !socket.authorized) return undefined;
  const subject = socket.getPeerCertificate().subject as { CN?: string | string[]; O?: string | string[] } | undefined; // absent without a certificate
  const name = [subject?.CN ?? []].flat()[0];
  if (name === undefined) return undefined;
  return { name, groups: [...[subject?.O ?? []].flat(), authenticatedGroup] };
}
