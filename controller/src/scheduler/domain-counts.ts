/** A number per domain, and the lowest of the domains that count, without looking at all of them each time. */
export class DomainCounts {
  readonly #counts = new Map<string, number>();
  /** None: to be looked for. */
  #lowest: { count: number; domains: number } | undefined;

  of(domain: string): number {
    return this.#counts.get(domain) ?? 0;
  }

  get isEmpty(): boolean {
    return this.#counts.size === 0;
  }

  /** `isOpen`: whether the domain is one of those that count for the lowest. */
  add(domain: string, by: number, isOpen: boolean): void {
    const before = this.of(domain);
    const after = before + by;
    if (after === 0) this.#counts.delete(domain);
    else this.#counts.set(domain, after);
    const lowest = this.#lowest;
    if (lowest === undefined || !isOpen) return;
    if (before === lowest.count) lowest.domains--;
    if (after < lowest.count) this.#lowest = { count: after, domains: 1 };
    else if (after === lowest.count) lowest.domains++;
    else if (lowest.domains === 0) this.#lowest = undefined;
  }

  /** Of `open`, which must be the same at each call until `forgetLowest`. */
  lowest(open: Iterable<string>): number {
    this.#lowest ??= lowestOf(open, this.#counts);
    return this.#lowest.count;
  }

  forgetLowest(): void {
    this.#lowest = undefined;
  }

  clear(): void {
    this.#counts.clear();
    this.#lowest = undefined;
  }
}

function lowestOf(open: Iterable<string>, counts: ReadonlyMap<string, number>): { count: number; domains: number } {
  let count = Number.POSITIVE_INFINITY;
  let domains = 0;
  for (const domain of open) {
    const found = counts.get(domain) ?? 0;
    if (found < count) [count, domains] = [found, 1];
    else if (found === count) domains++;
  }
  return { count: domains === 0 ? 0 : count, domains };
}
