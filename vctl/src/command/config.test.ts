import { expect, test } from "vitest";
import { withoutSecrets } from "./config.ts";

test("secrets are struck out wherever they stand", () => {
  const shown = withoutSecrets({
    clusters: [{ name: "lab", cluster: { server: "https://x", "certificate-authority-data": "abc" } }],
    users: [{ name: "a", user: { token: "t", "client-key-data": "k", "client-certificate": "/file" } }],
  });
  expect(shown).toEqual({
    clusters: [{ name: "lab", cluster: { server: "https://x", "certificate-authority-data": "DATA+OMITTED" } }],
    users: [
      { name: "a", user: { token: "REDACTED", "client-key-data": "DATA+OMITTED", "client-certificate": "/file" } },
    ],
  });
});
