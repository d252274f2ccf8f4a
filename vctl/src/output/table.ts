import { z } from "zod";
import { apiObjectSchema } from "../api/objects.ts";
import { formatAge } from "./age.ts";
import { Columns } from "./columns.ts";

/** What asks the server for a table, with plain JSON where it has none. */
export const tableAccept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

const partialObjectSchema = apiObjectSchema.partial({ apiVersion: true, kind: true });

/** Kubernetes `meta.k8s.io/v1` Table. In a watch, later ones come without columns. */
export const tableSchema = z.looseObject({
  kind: z.literal("Table"),
  metadata: z.looseObject({ resourceVersion: z.string().optional(), continue: z.string().optional() }).prefault({}),
  columnDefinitions: z
    .array(z.looseObject({ name: z.string(), type: z.string(), priority: z.number().default(0) }))
    .nullish(),
  rows: z.array(z.looseObject({ cells: z.array(z.unknown()), object: partialObjectSchema.nullish() })).nullish(),
});
export type Table = z.infer<typeof tableSchema>;

export interface TableOptions {
  wide: boolean;
  headers: boolean;
  /** A first column with the namespace, for `-A`. */
  namespaces: boolean;
  labels: boolean;
  /** Put before each name: `virtualserver.vfleet.dev/`, where several kinds are shown. */
  namePrefix: string;
  nowMs: number;
}

/** Prints the server's tables of one selection; the columns of the first are kept for those that follow in a watch. */
export class TablePrinter {
  readonly #options: TableOptions;
  readonly #columns = new Columns();
  #definitions: NonNullable<Table["columnDefinitions"]> | undefined;

  constructor(options: TableOptions) {
    this.#options = options;
  }

  lines(table: Table, nowMs = this.#options.nowMs): string[] {
    const rows: string[][] = [];
    const isFirst = this.#definitions === undefined;
    this.#definitions ??= table.columnDefinitions ?? [];
    if (isFirst && this.#options.headers) rows.push(this.#headers(this.#definitions));
    for (const row of table.rows ?? []) rows.push(this.#row(this.#definitions, row, nowMs));
    return this.#columns.format(rows);
  }

  #headers(definitions: NonNullable<Table["columnDefinitions"]>): string[] {
    const shown = definitions.filter((column) => this.#isShown(column)).map((column) => column.name.toUpperCase());
    return [...(this.#options.namespaces ? ["NAMESPACE"] : []), ...shown, ...(this.#options.labels ? ["LABELS"] : [])];
  }

  #row(
    definitions: NonNullable<Table["columnDefinitions"]>,
    row: NonNullable<Table["rows"]>[number],
    nowMs: number,
  ): string[] {
    const { labels, namespaces, namePrefix } = this.#options;
    const cells = definitions.flatMap((column, index) => {
      if (!this.#isShown(column)) return [];
      const text = cellText(row.cells[index], column.type, nowMs);
      return [index === 0 ? `${namePrefix}${text}` : text];
    });
    const metadata = row.object?.metadata;
    return [
      ...(namespaces ? [metadata?.namespace ?? ""] : []),
      ...cells,
      ...(labels ? [labelsText(metadata?.labels)] : []),
    ];
  }

  #isShown(column: { priority: number }): boolean {
    return this.#options.wide || column.priority === 0;
  }
}

function labelsText(labels: Readonly<Record<string, string>> | null | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length === 0 ? "<none>" : pairs.toSorted().join(",");
}

/** Kubernetes' servers send dates as ages already; one that is still a time becomes one here. */
function cellText(cell: unknown, type: string, nowMs: number): string {
  if (cell === null || cell === undefined) return "";
  if (type === "date" && typeof cell === "string" && !Number.isNaN(Date.parse(cell)) && cell.includes("T"))
    return formatAge(cell, nowMs);
  return typeof cell === "string" ? cell : JSON.stringify(cell);
}
