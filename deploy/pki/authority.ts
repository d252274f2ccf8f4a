// First: the library's dependency container needs it in place when it loads.
import "reflect-metadata";
import { webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";
import { exportKey, importPrivateKey, keyAlgorithm, signingAlgorithm } from "./key.ts";

x509.cryptoProvider.set(webcrypto);

/** The fleet's certificate authority: between its parts nothing else is trusted. */
export interface Authority {
  readonly certificate: x509.X509Certificate;
  readonly privateKey: webcrypto.CryptoKey;
}

/** PEM texts of one certificate and its key (PKCS #8). */
export interface CertificatePem {
  readonly certificate: string;
  readonly key: string;
}

export interface CertificateRequest {
  readonly commonName: string;
  readonly dnsNames?: readonly string[];
  readonly addresses?: readonly string[];
  /** Default 365. */
  readonly validDays?: number;
}

const dayMs = 24 * 60 * 60 * 1000;
/** Clocks of a fleet differ a little. */
const allowedSkewMs = 60 * 60 * 1000;
const authorityDays = 3650;

export async function createAuthority(
  commonName: string,
  nowMs: number,
): Promise<Authority & { readonly pem: CertificatePem }> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ CN: [commonName] }],
    notBefore: new Date(nowMs - allowedSkewMs),
    notAfter: new Date(nowMs + authorityDays * dayMs),
    signingAlgorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  const pem = { certificate: pemOf(certificate), key: await exportKey(keys.privateKey) };
  return { certificate, privateKey: keys.privateKey, pem };
}

export async function readAuthority(pem: CertificatePem): Promise<Authority> {
  return { certificate: new x509.X509Certificate(pem.certificate), privateKey: await importPrivateKey(pem.key) };
}

/** Issues a certificate, good for both ends of a connection, with a new key. */
export async function issueCertificate(
  authority: Authority,
  request: CertificateRequest,
  nowMs: number,
): Promise<CertificatePem> {
  const keys = await webcrypto.subtle.generateKey(keyAlgorithm, true, ["sign", "verify"]);
  const names: x509.JsonGeneralNames = [
    ...(request.dnsNames ?? []).map((value) => ({ type: "dns" as const, value })),
    ...(request.addresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [request.commonName] }],
    issuer: authority.certificate.subjectName,
    notBefore: new Date(nowMs - allowedSkewMs),
    notAfter: new Date(nowMs + (request.validDays ?? 365) * dayMs),
    signingAlgorithm,
    publicKey: keys.publicKey,
    signingKey: authority.privateKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  });
  return { certificate: pemOf(certificate), key: await exportKey(keys.privateKey) };
}

/** Common name of an agent: what peers and the controller check. */
export function nodeCommonName(node: string): string {
  return `node:${node}`;
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

/** Positive and 16 bytes long, as RFC 5280 asks. */
function serialNumber(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16));
  bytes[0] = (bytes[0] ?? 0) & 0x7f || 1;
  return Buffer.from(bytes).toString("hex");
}
