import type { X509Certificate } from "node:crypto";
import type { TLSSocket } from "node:tls";

/** What is looked at of a certificate (RFC 5280). */
type Dated = Pick<X509Certificate, "subject" | "validFromDate" | "validToDate">;

/** By whose clock a certificate is judged. */
export interface Clock {
  nowMs: number;
  /** "here", or as who is told would say it. */
  where: string;
}

export type Peer =
  | { node: string }
  /** `isOutdated`: only its dates are wrong, or those of its authority. */
  | { complaint: string; isOutdated: boolean };

/** Who is at the other end. Asked after a handshake that let everybody in: it decides whether to go on. */
export function peerOf(socket: TLSSocket, clock: Clock): Peer {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return { complaint: "a certificate is needed", isOutdated: false };
  if (!socket.authorized) {
    const outdated = outdatedOf(chainOf(certificate), clock);
    // Node gives a code here, whatever its types say.
    const code = String(socket.authorizationError);
    return { complaint: outdated ?? `its certificate is refused: ${code}`, isOutdated: outdated !== undefined };
  }
  const name = nameOf(certificate);
  if (!name.startsWith("node:")) return { complaint: "the certificate names no node", isOutdated: false };
  return { node: name.slice("node:".length) };
}

/** Which of these certificates isn't valid yet, or any more; none: all of them are. */
export function outdatedOf(certificates: readonly Dated[], { nowMs, where }: Clock): string | undefined {
  const outdated = certificates.find(
    ({ validFromDate, validToDate }) => nowMs < validFromDate.getTime() || nowMs > validToDate.getTime(),
  );
  if (outdated === undefined) return undefined;
  const [from, to, now] = [outdated.validFromDate, outdated.validToDate, new Date(nowMs)].map((date) =>
    date.toISOString(),
  );
  return `the certificate "${nameOf(outdated)}" is valid from ${from} to ${to}, and ${where} it is ${now}`;
}

function chainOf(certificate: X509Certificate): X509Certificate[] {
  const issuer = certificate.issuerCertificate;
  return issuer === undefined || issuer.fingerprint256 === certificate.fingerprint256
    ? [certificate]
    : [certificate, ...chainOf(issuer)];
}

/** Its common name. */
function nameOf({ subject }: Pick<Dated, "subject">): string {
  return /^CN=(.*)$/m.exec(subject)?.[1] ?? "";
}
