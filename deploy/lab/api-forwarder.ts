import { createServer, connect, type Socket } from "node:net";

/**
 * Brings each connection to the controller that leads, as a load balancer would: `node api-forwarder.ts PORT SOCKET TARGET...`. It listens on
 * 127.0.0.1:PORT and on a Unix socket; the targets are Unix sockets, of which only the leader's has a listener.
 */
const [port = "", socketPath = "", ...targets] = process.argv.slice(2);

function reach(target: string): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ path: target, allowHalfOpen: true });
    socket.once("connect", () => resolve(socket));
    socket.once("error", () => resolve(undefined));
  });
}

async function forward(client: Socket): Promise<void> {
  client.on("error", () => client.destroy());
  for (const target of targets) {
    const server = await reach(target);
    if (server === undefined) continue;
    server.on("error", () => server.destroy());
    server.on("close", () => client.destroy());
    client.on("close", () => server.destroy());
    client.pipe(server);
    server.pipe(client);
    return;
  }
  client.destroy();
}

const listen = () => createServer({ allowHalfOpen: true, noDelay: true }, (client) => void forward(client));
listen().listen(Number(port), "127.0.0.1");
listen().listen(socketPath);
