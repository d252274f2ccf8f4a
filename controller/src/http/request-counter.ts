/** Answered requests by method and code. */
export class RequestCounter {
  readonly #counts = new Map<string, number>();

  count(method: string, code: number): void {
    const labels = `method="${method}",code="${code}"`;
    this.#counts.set(labels, (this.#counts.get(labels) ?? 0) + 1);
  }

  /** In Prometheus' text format. */
  lines(name: string): string[] {
    return [...this.#counts].map(([labels, count]) => `${name}{${labels}} ${count}`);
  }
}
