import { answersOn, programLoad, type Workload } from "./workload.ts";

const configuration = `
daemon off; worker_processes 2; error_log stderr;
events { worker_connections 512; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 3600;
  server { listen 80; location / { return 200 "nginx here\\n"; } } }
`;

/** Master and workers, a hundred kept-alive connections that wrk keeps busy. */
export const nginx: Workload = {
  name: "nginx",
  memory: "256Mi",
  command: ["sh", "-c", `printf '%s' '${configuration}' >/tmp/nginx.conf && exec nginx -c /tmp/nginx.conf`],
  probe: answersOn(80),
  load: async (place) => {
    const args = ["--threads", "1", "--connections", "100", "--duration", "90s", "--timeout", "30s"];
    const wrk = programLoad(place, ["wrk", ...args, `http://${place.address}/`]);
    return {
      finish: async () => {
        const said = await wrk.end();
        // It speaks of errors only where there were any.
        if (/Socket errors|Non-2xx/.test(said) || !/[1-9]\d+ requests in/.test(said)) throw new Error(`wrk: ${said}`);
      },
    };
  },
};
