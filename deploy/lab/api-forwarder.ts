import { createServer, connect, type Socket } from "node:net";

/**
 * Brings each connection to the controller that leads, as a load balancer would: `node api-forwarder.ts PORT SOCKET TARGET...`. It listens on
 * 127.0.0.1:PORT and on a Unix socket; the targets are Unix sockets, of which only the leader's is served.
 */
const [port = "", socketPath = "", ...targets] = process.argv.slice(2);

/**
 * The kernel still takes connections for a leader that was stopped where it stands, so whoever answers first is taken. What a client says
 * before that is the beginning of a TLS handshake, which nobody minds hearing in vain.
 */
function forward(client: Socket): void {
  const servers = new Set(targets.map((path) => connect({ path, allowHalfOpen: true })));
  const leave = (server: Socket) => {
    servers.delete(server);
    server.destroy();
    if (servers.size === 0) client.destroy();
  };
  const greet = (data: Buffer) => {
    for (const server of servers) server.write(data);
  };
  client.on("data", greet);
  client.on("error", () => client.destroy());
  client.on("close", () => {
    for (const server of servers) server.destroy();
  });
  for (const server of servers) {
    server.on("error", () => leave(server));
    server.on("close", () => leave(server));
    server.once("data", (answer: Buffer) => {
      client.off("data", greet);
      for (const other of servers) if (other !== server) leave(other);
      client.write(answer);
      client.pipe(server);
      server.pipe(client);
    });
  }
}

const listen = () => createServer({ allowHalfOpen: true, noDelay: true }, forward);
listen().listen(Number(port), "127.0.0.1");
listen().listen(socketPath);
