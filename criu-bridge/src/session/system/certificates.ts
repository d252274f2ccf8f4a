import { copyFileSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { runSync } from "./run.ts";

const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];

/** A certificate with this common name, signed by the box's own authority. */
export function makeCertificates(authority: string, folder: string, name: string): void {
  mkdirSync(folder, { recursive: true });
  if (!existsSync(authority)) {
    mkdirSync(authority);
    quietly(
      "req",
      "-x509",
      ...newKey,
      "-keyout",
      `${authority}/key.pem`,
      "-out",
      `${authority}/ca.pem`,
      "-subj",
      "/CN=box",
      "-days",
      "2",
    );
  }
  quietly("req", ...newKey, "-keyout", `${folder}/key.pem`, "-out", `${folder}/request.pem`, "-subj", `/CN=${name}`);
  quietly(
    "x509",
    "-req",
    "-in",
    `${folder}/request.pem`,
    "-CA",
    `${authority}/ca.pem`,
    "-CAkey",
    `${authority}/key.pem`,
    "-CAcreateserial",
    "-out",
    `${folder}/cert.pem`,
    "-days",
    "2",
  );
  copyFileSync(`${authority}/ca.pem`, `${folder}/ca.pem`);
}

function quietly(...args: string[]): void {
  writeFileSync("/dev/null", runSync("sh", "-c", 'exec openssl "$@" 2>/dev/null', "openssl", ...args));
}
