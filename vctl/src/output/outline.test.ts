import { expect, test } from "vitest";
import { formatOutline, outlineOf } from "./outline.ts";

test("labels of a level line up, deeper levels are indented", () => {
  const lines = formatOutline([
    ["Name", "web"],
    ["Labels", ["a=1", "b=2"]],
    ["Spec", { entries: outlineOf({ image: "redis", hostPorts: [{ port: 80 }], none: {} }) }],
    [
      "Events",
      {
        rows: [
          ["Type", "Reason"],
          ["Normal", "Moved"],
        ],
      },
    ],
    ["Empty", { rows: [["Type"]] }],
  ]);
  expect(lines).toEqual([
    "Name:    web",
    "Labels:  a=1",
    "         b=2",
    "Spec:",
    "  Image:       redis",
    "  Host Ports:",
    "    0:",
    "      Port:  80",
    "  None:        <none>",
    "Events:",
    "  Type     Reason",
    "  Normal   Moved",
    "Empty:   <none>",
  ]);
});
