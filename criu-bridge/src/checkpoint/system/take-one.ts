/** An agent that takes one checkpoint: `take-one.ts BOX ID BYTES`. */
import { takeCheckpoint } from "../take-checkpoint.ts";
import { boxHost, takeOptions } from "./box-host.ts";

const [box = "", id = "", memoryBytes = "0"] = process.argv.slice(2);
await takeCheckpoint(takeOptions(await boxHost(box), { box, id, memoryBytes: Number(memoryBytes) }));
