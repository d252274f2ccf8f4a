// Runs in a host: asks a proxy for a page and prints the status it answers with.
import { request } from "node:http";

const [proxy = "", page = ""] = process.argv.slice(2);
const { hostname, port } = new URL(proxy);

request({ hostname, port, path: page, headers: { host: new URL(page).host }, timeout: 20_000 }, (response) => {
  response.resume();
  process.stdout.write(String(response.statusCode));
}).end();
