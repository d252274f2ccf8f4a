import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createAuthority, issueCertificate, nodeCommonName, readAuthority } from "../pki/authority.ts";
import type { Authority, CertificateRequest } from "../pki/authority.ts";
import { createNkey, nkeyFromSeed } from "../pki/nkey.ts";
import { createToken, tokenDigest } from "../pki/token.ts";
import { controlHost, nodeNames, underlayAddress } from "./address.ts";
import type { LabLayout } from "./layout.ts";

/** Paths of a certificate that was made for one part of the lab. */
export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export function tlsFiles(lab: LabLayout, part: string): TlsFiles {
  return {
    ca: `${lab.pkiFolder}/ca.pem`,
    certificate: `${lab.pkiFolder}/${part}.pem`,
    key: `${lab.pkiFolder}/${part}.key`,
  };
}

export function nkeyFile(lab: LabLayout, part: string): string {
  return `${lab.pkiFolder}/${part}.nkey`;
}

export function tokensFile(lab: LabLayout): string {
  return `${lab.pkiFolder}/tokens.json`;
}

export function nkeyOf(lab: LabLayout, part: string): string {
  return nkeyFromSeed(readFileSync(nkeyFile(lab, part), "utf8")).publicKey;
}

/** Makes every key and certificate that isn't there yet. */
export async function makeCredentials(lab: LabLayout, hosts: number, nowMs: number): Promise<void> {
  const authority = await makeAuthority(lab, nowMs);
  const control = underlayAddress(controlHost);
  const requests: readonly (readonly [string, CertificateRequest])[] = [
    ["nats", { commonName: "nats", dnsNames: ["localhost", controlHost], addresses: ["127.0.0.1", control] }],
    ["controller", { commonName: "controller", dnsNames: [controlHost], addresses: [control] }],
    ["api", { commonName: "api", dnsNames: ["localhost", controlHost], addresses: ["127.0.0.1", control] }],
    ...nodeNames(hosts).map(
      (node) =>
        [node, { commonName: nodeCommonName(node), dnsNames: [node], addresses: [underlayAddress(node)] }] as const,
    ),
  ];
  await Promise.all(
    requests.map(async ([part, request]) => {
      const files = tlsFiles(lab, part);
      if (existsSync(files.certificate)) return;
      const pem = await issueCertificate(authority, request, nowMs);
      writeSecret(files.key, pem.key);
      writeFileSync(files.certificate, pem.certificate);
    }),
  );
  for (const part of ["controller", ...nodeNames(hosts)]) {
    if (!existsSync(nkeyFile(lab, part))) writeSecret(nkeyFile(lab, part), `${createNkey().seed}\n`);
  }
  if (!existsSync(lab.tokenFile)) writeSecret(lab.tokenFile, `${createToken()}\n`);
  const digest = tokenDigest(readFileSync(lab.tokenFile, "utf8").trim());
  writeSecret(tokensFile(lab), JSON.stringify([{ name: "admin", groups: ["system:masters"], sha256: digest }]));
}

async function makeAuthority(lab: LabLayout, nowMs: number): Promise<Authority> {
  const [certificateFile, keyFile] = [`${lab.pkiFolder}/ca.pem`, `${lab.pkiFolder}/ca.key`];
  if (existsSync(certificateFile)) {
    return readAuthority({ certificate: readFileSync(certificateFile, "utf8"), key: readFileSync(keyFile, "utf8") });
  }
  const authority = await createAuthority(`vfleet lab ${lab.name}`, nowMs);
  writeSecret(keyFile, authority.pem.key);
  writeFileSync(certificateFile, authority.pem.certificate);
  return authority;
}

function writeSecret(file: string, text: string): void {
  writeFileSync(file, text, { mode: 0o600 });
}
