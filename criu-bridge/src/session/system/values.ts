import { createHash, randomFillSync } from "node:crypto";
import { connect, type Socket } from "node:net";
import { network } from "./host-folders.ts";

const valueBytes = 64 * 1024;
/** Answers that redis may owe. */
const asksAhead = 64;

export interface Values {
  count: number;
  /** Of all values, in order. */
  digest: string;
}

/** Incompressible values, as fast as one connection takes them. */
export async function fillWithValues(bytes: number): Promise<Values> {
  const socket = connect({ host: network.serverAddress, port: network.port });
  const count = Math.floor(bytes / valueBytes);
  const hash = createHash("sha256");
  const value = Buffer.alloc(valueBytes);
  let answers = 0;
  socket.on("data", (data) => (answers += data.toString().split("+OK").length - 1));
  for (let index = 0; index < count; index++) {
    randomFillSync(value);
    hash.update(value);
    socket.write(`*3\r\n$3\r\nSET\r\n$8\r\n${nameOf(index)}\r\n$${valueBytes}\r\n`);
    socket.write(Buffer.from(value));
    if (!socket.write("\r\n")) await new Promise<void>((resolve) => socket.once("drain", resolve));
  }
  await whenSeen(socket, () => answers >= count);
  socket.destroy();
  return { count, digest: hash.digest("hex") };
}

/** Of what is there now. */
export async function digestOfValues(count: number): Promise<string> {
  const socket = connect({ host: network.serverAddress, port: network.port });
  const hash = createHash("sha256");
  const head = Buffer.from(`$${valueBytes}\r\n`);
  const answerBytes = head.length + valueBytes + 2;
  let asked = 0;
  let seen = 0;
  let rest = Buffer.alloc(0);
  const ask = () => {
    for (; asked < count && asked - seen < asksAhead; asked++)
      socket.write(`*2\r\n$3\r\nGET\r\n$8\r\n${nameOf(asked)}\r\n`);
  };
  socket.on("data", (data) => {
    rest = Buffer.concat([rest, data]);
    for (; rest.length >= answerBytes; seen++) {
      hash.update(rest.subarray(head.length, head.length + valueBytes));
      rest = rest.subarray(answerBytes);
    }
    ask();
  });
  ask();
  await whenSeen(socket, () => seen >= count);
  socket.destroy();
  return hash.digest("hex");
}

function nameOf(index: number): string {
  return String(index).padStart(8, "0");
}

async function whenSeen(socket: Socket, condition: () => boolean): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    const look = () => {
      if (condition()) resolve();
    };
    socket.on("data", look);
    socket.on("close", () => reject(new Error("the server closed the connection")));
    look();
  });
}
