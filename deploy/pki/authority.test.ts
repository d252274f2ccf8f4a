import { X509Certificate } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createAuthority, issueCertificate, nodeCommonName, readAuthority } from "./authority.ts";

const nowMs = Date.UTC(2026, 0, 2);

describe("authority", () => {
  it("issues certificates that verify against it and carry their names", async () => {
    const authority = await createAuthority("a fleet", nowMs);
    const pem = await issueCertificate(
      authority,
      { commonName: nodeCommonName("host-1"), dnsNames: ["host-1"], addresses: ["10.99.0.11"] },
      nowMs,
    );
    const certificate = new X509Certificate(pem.certificate);
    expect(certificate.verify(new X509Certificate(authority.pem.certificate).publicKey)).toBe(true);
    expect(certificate.subject).toBe("CN=node:host-1");
    expect(certificate.subjectAltName).toBe("DNS:host-1, IP Address:10.99.0.11");
    expect(certificate.ca).toBe(false);
  });

  it("issues from its files as from memory", async () => {
    const authority = await createAuthority("a fleet", nowMs);
    const again = await readAuthority(authority.pem);
    const pem = await issueCertificate(again, { commonName: "controller" }, nowMs);
    expect(new X509Certificate(pem.certificate).checkIssued(new X509Certificate(authority.pem.certificate))).toBe(true);
  });

  it("is no issuer to another authority's certificates", async () => {
    const [one, other] = await Promise.all([createAuthority("a fleet", nowMs), createAuthority("a fleet", nowMs)]);
    const pem = await issueCertificate(one, { commonName: "controller" }, nowMs);
    expect(new X509Certificate(pem.certificate).verify(new X509Certificate(other.pem.certificate).publicKey)).toBe(
      false,
    );
  });
});
