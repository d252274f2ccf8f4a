import { answersOn, numberLoad, type Workload } from "./workload.ts";

const program = `
import asyncio

async def serve(reader, writer):
    number = 0
    while await reader.readline():
        number += 1
        await asyncio.sleep(0)
        writer.write(b"%d\\n" % number)
        await writer.drain()

async def main():
    server = await asyncio.start_server(serve, "0.0.0.0", 7000)
    async with server:
        await server.serve_forever()

asyncio.run(main())
`;

/** asyncio: one thread, epoll, timers. */
export const python: Workload = {
  name: "python",
  memory: "256Mi",
  command: ["python3", "-c", program],
  probe: answersOn(7000),
  load: (place) => numberLoad(place, { protocol: "lines", port: 7000 }),
};
