import { kinds } from "@vfleet/shared";
import { describe, expect, test } from "vitest";
import { resourceDiscovery, rootDiscovery } from "./discovery.ts";
import { openApiV3Documents } from "./openapi.ts";

const aggregated = (version: string) =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList,application/json`;

describe("discovery", () => {
  test.each(["v2", "v2beta1"])("echoes %s in the content type, by which clients decide", (version) => {
    const answer = rootDiscovery("apis", aggregated(version));
    expect(answer.contentType).toBe(`application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`);
    expect(answer.body).toMatchObject({ kind: "APIGroupDiscoveryList" });
  });

  test("falls back to the plain list", () => {
    expect(rootDiscovery("apis", "application/json").body).toMatchObject({ kind: "APIGroupList" });
    expect(rootDiscovery("api", aggregated("v3")).body).toMatchObject({ kind: "APIVersions" });
  });

  test.each(kinds.map((kind) => [kind.kind, kind] as const))(
    "names %s in the list, with its status, and in OpenAPI with a checked patch",
    (_name, kind) => {
      const resources = JSON.stringify(resourceDiscovery(kind.group, kind.version)?.body);
      expect(resources).toContain(`"name":"${kind.plural}"`);
      expect(resources.includes(`"${kind.plural}/status"`)).toBe(kind.statusSubresource);
      const document = JSON.parse(
        openApiV3Documents.get(kind.group === "" ? "api/v1" : `apis/${kind.group}/v1`) ?? "{}",
      ) as { paths: Record<string, { patch?: object }> };
      const patches = Object.values(document.paths).flatMap((path) =>
        path.patch === undefined ? [] : [JSON.stringify(path.patch)],
      );
      expect(patches.find((patch) => patch.includes(`"kind":"${kind.kind}"`))).toContain('"name":"fieldValidation"');
    },
  );
});
