import { answersOn, numberLoad, type Workload } from "./workload.ts";

/** A Go program: its scheduler's threads, its pre-empting signals; two clients that talk through it. */
export const nats: Workload = {
  name: "nats",
  memory: "256Mi",
  command: ["nats-server", "--addr", "0.0.0.0", "--jetstream", "--store_dir", "/srv"],
  probe: answersOn(4222),
  load: (place) => numberLoad(place, { protocol: "nats", port: 4222 }),
};
