import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createAuthority, issueCertificate, nodeCommonName, readAuthority } from "../pki/authority.ts";
import type { Authority, CertificateRequest } from "../pki/authority.ts";
import { createNkey, nkeyFromSeed } from "../pki/nkey.ts";
import { createToken, tokenDigest } from "../pki/token.ts";
import { controlNames, nodeNames, underlayAddress, type LabShape } from "./address.ts";
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

/** What NATS servers say to each other: a certificate of the fleet's is every node's, too. */
export function routesPassword(lab: LabLayout): string {
  return readFileSync(routesPasswordFile(lab), "utf8");
}

function routesPasswordFile(lab: LabLayout): string {
  return `${lab.pkiFolder}/routes.password`;
}

export function nkeyOf(lab: LabLayout, part: string): string {
  return nkeyFromSeed(readFileSync(nkeyFile(lab, part), "utf8")).publicKey;
}

/** Makes every key and certificate that isn't there yet. */
export async function makeCredentials(lab: LabLayout, shape: LabShape, nowMs: number): Promise<void> {
  const authority = await makeAuthority(lab, nowMs);
  const { hosts } = shape;
  const controls = controlNames(shape.controllers);
  const addresses = controls.map(underlayAddress);
  const requests: readonly (readonly [string, CertificateRequest])[] = [
    ["nats", { commonName: "nats", dnsNames: ["localhost", ...controls], addresses: ["127.0.0.1", ...addresses] }],
    ["controller", { commonName: "controller", dnsNames: controls, addresses }],
    ["api", { commonName: "api", dnsNames: ["localhost", ...controls], addresses: ["127.0.0.1", ...addresses] }],
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
  if (!existsSync(routesPasswordFile(lab))) writeSecret(routesPasswordFile(lab), randomBytes(24).toString("base64url"));
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
