import { expect, test } from "vitest";
import { type TableOptions, TablePrinter, tableSchema } from "./table.ts";

const nowMs = Date.parse("2026-06-01T00:01:00Z");
const plain: TableOptions = { wide: false, headers: true, namespaces: false, labels: false, namePrefix: "", nowMs };
const table = tableSchema.parse({
  kind: "Table",
  columnDefinitions: [
    { name: "Name", type: "string" },
    { name: "Status", type: "string" },
    { name: "Age", type: "date" },
    { name: "Image", type: "string", priority: 1 },
  ],
  rows: [
    {
      cells: ["cache", "Running", "2026-06-01T00:00:00Z", "redis"],
      object: { metadata: { name: "cache", namespace: "prod", labels: { b: "2", a: "1" } } },
    },
    { cells: ["db", null, "3m", "postgres"], object: { metadata: { name: "db", namespace: "prod" } } },
  ],
});

test("columns line up as kubectl's do, and dates are ages", () => {
  expect(new TablePrinter(plain).lines(table)).toEqual([
    "NAME    STATUS    AGE",
    "cache   Running   60s",
    "db                3m",
  ]);
});

test("wide, namespaces, labels and a prefix add what they name", () => {
  const options = { ...plain, wide: true, namespaces: true, labels: true, namePrefix: "virtualserver.vfleet.dev/" };
  const lines = new TablePrinter(options).lines(table);
  expect(lines[0]).toBe("NAMESPACE   NAME                             STATUS    AGE   IMAGE      LABELS");
  expect(lines[1]).toBe("prod        virtualserver.vfleet.dev/cache   Running   60s   redis      a=1,b=2");
});

test("rows of a watch stand under the first ones, without a second heading", () => {
  const printer = new TablePrinter(plain);
  printer.lines(table);
  const later = tableSchema.parse({
    kind: "Table",
    columnDefinitions: null,
    rows: [{ cells: ["db", "Pending", "4m", ""] }],
  });
  expect(printer.lines(later)).toEqual(["db      Pending   4m"]);
});

test("a cell can't command the terminal or break its line", () => {
  const hostile = tableSchema.parse({
    kind: "Table",
    columnDefinitions: [{ name: "Name", type: "string" }],
    rows: [{ cells: ["a\u001b[2J\nb"] }],
  });
  expect(new TablePrinter({ ...plain, headers: false }).lines(hostile)).toEqual(["a^[[2J..."]);
});
