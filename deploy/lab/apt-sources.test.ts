import { expect, it } from "vitest";
import { parseHosts, parseProxies, proxyChooser } from "./apt-sources.ts";

it("knows the hosts of http and https sources only", () => {
  expect([
    ...parseHosts(
      "http://deb.example.org/debian/\nhttps://sec.example.org:8443/x/\nfile:///srv/mirror/\ncdrom:[x]/\n\n",
    ),
  ]).toEqual(["deb.example.org", "sec.example.org"]);
});

it("chooses a proxy as apt does", () => {
  const settings =
    "Acquire::http::Proxy http://proxy:3128\nAcquire::http::Proxy::local.example.org DIRECT\nAcquire::Retries 3\n";
  const proxyFor = proxyChooser(parseProxies(settings), {
    http_proxy: "http://other:1",
    https_proxy: "http://secure:2",
  });
  expect(proxyFor(new URL("http://deb.example.org/"))?.host).toBe("proxy:3128");
  expect(proxyFor(new URL("http://local.example.org/"))).toBeUndefined();
  expect(proxyFor(new URL("https://deb.example.org/"))?.host).toBe("secure:2");
  expect(proxyChooser(new Map(), {})(new URL("http://deb.example.org/"))).toBeUndefined();
});
