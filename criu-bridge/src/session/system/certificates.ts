import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { systemEnvironment } from "@vfleet/shared";
import { runSync } from "./run.ts";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
export const dayMs = 24 * 60 * 60 * 1000;
/** Of openssl-ca(1). */
const configuration = `
[ca]
default_ca = box
[box]
database = $dir/issued
new_certs_dir = $dir
rand_serial = yes
unique_subject = no
default_md = sha256
policy = any
[any]
commonName = supplied
`;

/** When a certificate is valid, in days from now. */
export interface Validity {
  fromDays: number;
  toDays: number;
}

/** A certificate with this common name, signed by the box's own authority. */
export function makeCertificates(
  authority: string,
  folder: string,
  name: string,
  { fromDays, toDays }: Validity = { fromDays: -1, toDays: 2 },
): void {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(authority)) makeAuthority(authority);
  const request = `${folder}/request.pem`;
  openssl("req", ...newKey, "-keyout", `${folder}/key.pem`, "-out", request, "-subj", `/CN=${name}`);
  const signed = ["-in", request, "-out", `${folder}/cert.pem`, "-startdate", date(fromDays), "-enddate", date(toDays)];
  const signing = ["-cert", `${authority}/ca.pem`, "-keyfile", `${authority}/key.pem`];
  openssl("ca", "-batch", "-config", `${authority}/ca.cnf`, "-notext", ...signing, ...signed);
  copyFileSync(`${authority}/ca.pem`, `${folder}/ca.pem`);
}

function makeAuthority(folder: string): void {
  mkdirSync(folder);
  writeFileSync(`${folder}/ca.cnf`, configuration.replaceAll("$dir", folder));
  writeFileSync(`${folder}/issued`, "");
  const files = ["-keyout", `${folder}/key.pem`, "-out", `${folder}/ca.pem`];
  openssl("req", "-x509", ...newKey, ...files, "-subj", "/CN=box", "-days", "2");
}

/** As openssl-ca(1) takes it: YYYYMMDDHHMMSSZ. */
function date(inDays: number): string {
  const when = new Date(systemEnvironment.nowMs() + inDays * dayMs);
  return `${when.toISOString().replaceAll(/\D/g, "").slice(0, 14)}Z`;
}

function openssl(...args: string[]): void {
  runSync("sh", "-c", 'exec openssl "$@" 2>/dev/null', "openssl", ...args);
}
