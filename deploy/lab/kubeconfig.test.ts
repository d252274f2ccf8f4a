import { expect, it } from "vitest";
import { kubeconfigText } from "./kubeconfig.ts";

it("names one cluster, user and context", () => {
  const config = JSON.parse(
    kubeconfigText({ context: "lab-default", port: 16443, authorityPem: "PEM", token: "secret" }),
  );
  expect(config["current-context"]).toBe("lab-default");
  expect(config.clusters[0].cluster).toEqual({
    server: "https://127.0.0.1:16443",
    "certificate-authority-data": "UEVN",
  });
  expect(config.users[0].user).toEqual({ token: "secret" });
});
