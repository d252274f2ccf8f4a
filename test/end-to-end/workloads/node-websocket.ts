import { answersOn, numberLoad, type Workload } from "./workload.ts";

const program = `
const { WebSocketServer } = require("ws");
const server = require("node:http").createServer((request, response) => response.end("http too"));
new WebSocketServer({ server }).on("connection", (socket) => {
  let number = 0;
  socket.on("message", () => setImmediate(() => socket.send(String(++number))));
});
server.listen(7000);
setInterval(() => {}, 100);
`;

/** Node.js: V8 with its code pages and worker threads, libuv, an upgraded HTTP connection. */
export const nodeWebsocket: Workload = {
  name: "node-websocket",
  memory: "512Mi",
  command: ["node", "-e", program],
  probe: answersOn(7000),
  load: (place) => numberLoad(place, { protocol: "websocket", port: 7000 }),
};
