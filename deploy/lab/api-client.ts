import { readFileSync } from "node:fs";
import { request } from "node:https";
import { tlsFiles } from "./credentials.ts";
import type { LabLayout } from "./layout.ts";

const timeoutMs = 2_000;

/** Asks the lab's API through its Unix socket; undefined while nobody answers. */
export function getJson(lab: LabLayout, path: string): Promise<unknown> {
  const token = readFileSync(lab.tokenFile, "utf8").trim();
  const ca = readFileSync(tlsFiles(lab, "ca").ca);
  const options = {
    socketPath: lab.apiSocket,
    path,
    ca,
    servername: "localhost",
    timeout: timeoutMs,
    headers: { authorization: `Bearer ${token}`, accept: "application/json" },
  };
  return new Promise((resolve) => {
    const asked = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => (text += part));
      response.on("error", () => resolve(undefined));
      response.on("end", () => resolve(response.statusCode === 200 ? parseJson(text) : undefined));
    });
    asked.on("timeout", () => asked.destroy());
    asked.on("error", () => resolve(undefined));
    asked.end();
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
