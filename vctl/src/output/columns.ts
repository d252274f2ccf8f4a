const minimumWidth = 6;
const gap = 3;

/**
 * Lines of aligned columns as kubectl prints them. Widths are remembered, so that rows printed later in a watch stand
 * under the earlier ones.
 */
export class Columns {
  readonly #widths: number[] = [];

  format(rows: readonly (readonly string[])[]): string[] {
    const safe = rows.map((row) => row.map(printable));
    for (const row of safe) {
      row.slice(0, -1).forEach((cell, index) => {
        this.#widths[index] = Math.max(this.#widths[index] ?? minimumWidth, cell.length + gap);
      });
    }
    return safe.map((row) =>
      row.map((cell, index) => (index === row.length - 1 ? cell : cell.padEnd(this.#widths[index] ?? 0))).join(""),
    );
  }
}

export function formatColumns(rows: readonly (readonly string[])[]): string[] {
  return new Columns().format(rows);
}

/** First line only, and nothing that a terminal would obey: names and messages come from outside. */
export function printable(cell: string): string {
  const lineEnd = cell.search(/[\n\r\f]/);
  const line = lineEnd < 0 ? cell : `${cell.slice(0, lineEnd)}...`;
  return line.replace(/\p{Cc}/gu, (character) => (character === "\u001b" ? "^[" : "?"));
}
