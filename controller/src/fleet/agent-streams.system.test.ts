import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import type { Server } from "node:https";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import type { Ownership } from "../ownership/ownership.ts";
import { placedStatus, sampleNode, sampleServer } from "../reconcile/samples.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { AgentStreams } from "./agent-streams.ts";

const folder = mkdtempSync(join(tmpdir(), "vfleet-streams-"));
const server = sampleServer("web", { status: placedStatus("host-1") });
const protocol = "v5.channel.k8s.io";
let agent: Server;
let front: WebSocketServer;
let streams: AgentStreams;
let nodeName = "host-1";

function openssl(...options: string[]): void {
  execFileSync("openssl", options, { cwd: folder, stdio: "ignore" });
}

function issue(name: string): void {
  openssl(
    "req",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    `${name}.key`,
    "-out",
    `${name}.csr`,
    "-subj",
    `/CN=${name}`,
  );
  openssl(
    "x509",
    "-req",
    "-in",
    `${name}.csr`,
    "-CA",
    "ca.crt",
    "-CAkey",
    "ca.key",
    "-CAcreateserial",
    "-days",
    "1",
    "-out",
    `${name}.crt`,
  );
}

const file = (name: string) => join(folder, name);
const read = (name: string) => readFileSync(file(name));

beforeAll(async () => {
  openssl(
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-keyout",
    "ca.key",
    "-out",
    "ca.crt",
    "-days",
    "1",
    "-subj",
    "/CN=fleet",
  );
  for (const name of ["controller", "node:host-1"]) issue(name);
  // As an agent listens: mutual TLS 1.3, an echo for exec, two lines for logs.
  agent = createServer({
    ca: read("ca.crt"),
    cert: read("node:host-1.crt"),
    key: read("node:host-1.key"),
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: "TLSv1.3",
  });
  agent.on("request", (request, response) => {
    const peer = (request.socket as TLSSocket).getPeerCertificate().subject.CN;
    if (request.url === "/servers/uid-web/logs?tailLines=2") response.end(`for ${String(peer)}\nsecond\n`);
    else response.writeHead(404).end("no such server here\n");
  });
  const sockets = new WebSocketServer({
    server: agent,
    path: "/servers/uid-web/exec",
    handleProtocols: (offered) => (offered.has(protocol) ? protocol : false),
  });
  sockets.on("connection", (socket, request) => {
    socket.send(Buffer.from(`\u0001${request.url ?? ""}`));
    socket.on("message", (data: Buffer) =>
      data.toString() === "end" ? socket.close(1000, "done") : socket.send(data, { binary: true }),
    );
  });
  await new Promise<void>((resolve) => agent.listen(0, "127.0.0.1", resolve));
  const { port } = agent.address() as AddressInfo;
  const node = sampleNode("host-1", { status: { fleet: { agentEndpoint: `127.0.0.1:${port}` } } });
  streams = new AgentStreams({
    store: { get: () => node } as unknown as ObjectStore,
    ownership: { get: () => ({ uid: "uid-web", node: nodeName, epoch: 1, earlier: [] }) } as unknown as Ownership,
    tls: { ca: file("ca.crt"), certificate: file("controller.crt"), key: file("controller.key") },
  });
  front = new WebSocketServer({ port: 0, host: "127.0.0.1", handleProtocols: (offered) => [...offered][0] ?? false });
  await new Promise((resolve) => front.once("listening", resolve));
  front.on("connection", (socket) => {
    socket.pause();
    streams
      .exec(
        {
          server,
          parameters: new URLSearchParams([
            ["command", "cat"],
            ["stdin", "true"],
          ]),
          user: { name: "test", groups: [] },
        },
        socket,
      )
      .catch((thrown: Error) => socket.close(1011, thrown.message.slice(0, 120)));
  });
});

afterAll(() => {
  front.close();
  agent.closeAllConnections();
  agent.close();
  rmSync(folder, { recursive: true });
});

function connect(clientProtocol = protocol): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${(front.address() as AddressInfo).port}`, [clientProtocol]);
}

async function ended(client: WebSocket): Promise<{ code: number; reason: string }> {
  return new Promise((resolve) => client.once("close", (code, reason) => resolve({ code, reason: reason.toString() })));
}

describe("AgentStreams", () => {
  test.each([protocol, "v4.channel.k8s.io"])(
    "passes frames of %s both ways, none lost before the agent is reached, and its end",
    async (clientProtocol) => {
      const client = connect(clientProtocol);
      const seen: string[] = [];
      client.on("message", (data: Buffer) => void seen.push(data.toString()));
      client.once("open", () => {
        client.send("early");
        client.send("x".repeat(1 << 20));
        client.send("end");
      });
      expect(await ended(client)).toEqual({ code: 1000, reason: "done" });
      expect(seen[0]).toBe("\u0001/servers/uid-web/exec?command=cat&stdin=true");
      expect(seen.slice(1).map((frame) => frame.length)).toEqual([5, 1 << 20]);
    },
  );

  test("reads logs as the controller", async () => {
    const log = await streams.logs({
      server,
      parameters: new URLSearchParams({ tailLines: "2" }),
      signal: new AbortController().signal,
    });
    expect(await text(log)).toBe("for controller\nsecond\n");
  });

  test("says what the agent says when it refuses", async () => {
    const refused = streams.logs({ server, parameters: new URLSearchParams(), signal: new AbortController().signal });
    await expect(refused).rejects.toThrow('Cannot reach server "default/web": no such server here');
  });

  test("talks to no agent but that node's own", async () => {
    nodeName = "host-2";
    try {
      const refused = streams.logs({
        server,
        parameters: new URLSearchParams({ tailLines: "2" }),
        signal: new AbortController().signal,
      });
      await expect(refused).rejects.toThrow('certificate of "node:host-2" is needed, got "node:host-1"');
      const { code, reason } = await ended(connect());
      expect(code).toBe(1011);
      expect(reason).toContain('certificate of "node:host-2" is needed');
    } finally {
      nodeName = "host-1";
    }
  });
});
