import { selects } from "@vfleet/shared";
import { DomainCounts } from "./domain-counts.ts";
import type { Demand, Term } from "./placement.ts";

interface Place {
  labels: Readonly<Record<string, string>>;
  /** Ready and not cordoned. */
  isOpen: boolean;
}

interface Counted {
  term: Term;
  /** Servers that the term selects. */
  selected: DomainCounts;
  /** Servers that ask to be apart from those. */
  asking: DomainCounts;
}

/** Servers that no term tells apart. */
interface Sort {
  demand: Demand;
  counted: Counted[];
  byNode: Map<string, number>;
}

/** Of sorts, terms and answers kept, before those that nobody needs are looked for. */
const sizeMaxFirst = 4096;

/**
 * How many servers are in which domain, for every term that some server has named: kept by adding and taking away one at a
 * time, so that a question costs no look at other servers.
 */
export class Topology {
  readonly #places = new Map<string, Place>();
  readonly #terms = new Map<string, Counted>();
  readonly #sorts = new Map<string, Sort>();
  /** Topology key to its domains with an open node, and how many of these each has. */
  readonly #open = new Map<string, Map<string, number>>();
  /** Domains that hold an open node with the labels, by topology key and node selector. */
  readonly #eligible = new Map<string, ReadonlySet<string>>();
  #sizeMax = sizeMaxFirst;

  domainOf(node: string, topologyKey: string): string | undefined {
    return this.#places.get(node)?.labels[topologyKey];
  }

  setNode(name: string, place: Place | undefined): void {
    const before = this.#places.get(name);
    if (before !== undefined && place !== undefined && isSamePlace(before, place)) return;
    this.#eligible.clear();
    for (const [key, open] of this.#open) {
      if (before?.isOpen === true) addTo(open, before.labels[key], -1);
      if (place?.isOpen === true) addTo(open, place.labels[key], 1);
    }
    const moved = [...this.#terms.values()].filter(({ term, selected }) => {
      selected.forgetLowest();
      return before?.labels[term.topologyKey] !== place?.labels[term.topologyKey];
    });
    if (place === undefined) this.#places.delete(name);
    else this.#places.set(name, place);
    for (const counted of moved) this.#countAgain(counted);
  }

  count(node: string, demand: Demand, times: 1 | -1): void {
    const sort = this.#sortOf(demand);
    addTo(sort.byNode, node, times);
    for (const counted of sort.counted) this.#add(counted, sort, { node, times });
  }

  /** How many of the servers that the term selects are in a domain, without the one that asks, where that is one of them. */
  selectedBy(term: Term, demand: Demand): (domain: string) => number {
    const { selected } = this.#countedOf(term);
    const own = isSelected(term, demand) ? this.#ownDomain(term, demand) : undefined;
    return (domain) => selected.of(domain) - (domain === own ? 1 : 0);
  }

  /** Terms of other servers that ask to be apart from such a one, and of which there is one at all. */
  objectors(demand: Demand): { topologyKey: string; isIn: (domain: string) => boolean }[] {
    return this.#sortOf(demand)
      .counted.filter(({ term, asking }) => !asking.isEmpty && isSelected(term, demand))
      .map(({ term, asking }) => {
        const isAsking = demand.antiAffinity.some(({ key }) => key === term.key);
        const own = isAsking ? this.#ownDomain(term, demand) : undefined;
        return {
          topologyKey: term.topologyKey,
          isIn: (domain) => asking.of(domain) > (domain === own ? 1 : 0),
        };
      });
  }

  /** Of the domains where it could go by its node selector and by readiness and cordon: what the one with the fewest has. */
  lowest(term: Term, demand: Demand): number {
    const { selected } = this.#countedOf(term);
    const own = this.#ownDomain(term, demand);
    const domains = this.#domains(term.topologyKey, demand.nodeSelector);
    const isAny = Object.keys(demand.nodeSelector).length === 0;
    const lowest = isAny
      ? selected.lowest(domains)
      : Math.min(...[...domains].map((domain) => selected.of(domain)), Number.POSITIVE_INFINITY);
    if (own !== undefined && domains.has(own)) return Math.min(lowest, this.selectedBy(term, demand)(own));
    return Number.isFinite(lowest) ? lowest : 0;
  }

  #ownDomain(term: Term, { boundTo }: Demand): string | undefined {
    return boundTo === undefined ? undefined : this.domainOf(boundTo, term.topologyKey);
  }

  #domains(topologyKey: string, nodeSelector: Readonly<Record<string, string>>): ReadonlySet<string> {
    const key = JSON.stringify([topologyKey, nodeSelector]);
    const known = this.#eligible.get(key);
    if (known !== undefined) return known;
    const wanted = Object.entries(nodeSelector);
    const found = new Set<string>();
    for (const { labels, isOpen } of this.#places.values()) {
      const domain = labels[topologyKey];
      if (domain !== undefined && isOpen && wanted.every(([name, value]) => labels[name] === value)) found.add(domain);
    }
    this.#eligible.set(key, found);
    return found;
  }

  #sortOf(demand: Demand): Sort {
    const key = sortKey(demand);
    const known = this.#sorts.get(key);
    if (known !== undefined) return known;
    this.#forgetUnused();
    const sort: Sort = { demand, counted: [], byNode: new Map() };
    this.#sorts.set(key, sort);
    for (const counted of this.#terms.values()) if (concerns(counted.term, demand)) sort.counted.push(counted);
    for (const term of demand.antiAffinity) this.#countedOf(term);
    return sort;
  }

  #countedOf(term: Term): Counted {
    const known = this.#terms.get(term.key);
    if (known !== undefined) return known;
    const counted: Counted = { term, selected: new DomainCounts(), asking: new DomainCounts() };
    this.#terms.set(term.key, counted);
    if (!this.#open.has(term.topologyKey)) {
      const open = new Map<string, number>();
      for (const { labels, isOpen } of this.#places.values()) if (isOpen) addTo(open, labels[term.topologyKey], 1);
      this.#open.set(term.topologyKey, open);
    }
    for (const sort of this.#sorts.values()) if (concerns(term, sort.demand)) sort.counted.push(counted);
    this.#countAgain(counted);
    return counted;
  }

  /** What is forgotten is counted anew when it is asked for again. */
  #forgetUnused(): void {
    if (this.#sorts.size + this.#terms.size + this.#eligible.size < this.#sizeMax) return;
    this.#eligible.clear();
    for (const [key, { byNode }] of this.#sorts) if (byNode.size === 0) this.#sorts.delete(key);
    for (const [key, { asking }] of this.#terms) if (asking.isEmpty) this.#terms.delete(key);
    const kept = new Set(this.#terms.values());
    for (const sort of this.#sorts.values()) sort.counted = sort.counted.filter((counted) => kept.has(counted));
    this.#sizeMax = Math.max(sizeMaxFirst, 2 * (this.#sorts.size + this.#terms.size));
  }

  #countAgain(counted: Counted): void {
    counted.selected.clear();
    counted.asking.clear();
    for (const sort of this.#sorts.values()) {
      if (!sort.counted.includes(counted)) continue;
      for (const [node, times] of sort.byNode) this.#add(counted, sort, { node, times });
    }
  }

  #add({ term, selected, asking }: Counted, sort: Sort, { node, times }: { node: string; times: number }): void {
    const domain = this.domainOf(node, term.topologyKey);
    if (domain === undefined) return;
    const isOpen = this.#open.get(term.topologyKey)?.has(domain) === true;
    if (isSelected(term, sort.demand)) selected.add(domain, times, isOpen);
    if (sort.demand.antiAffinity.some(({ key }) => key === term.key)) asking.add(domain, times, isOpen);
  }
}

function isSelected(term: Term, demand: Demand): boolean {
  return term.namespace === demand.namespace && selects(term.selector, demand.labels);
}

function concerns(term: Term, demand: Demand): boolean {
  return isSelected(term, demand) || demand.antiAffinity.some(({ key }) => key === term.key);
}

function sortKey({ namespace, labels, antiAffinity }: Demand): string {
  return JSON.stringify([namespace, labels, antiAffinity.map(({ key }) => key)]);
}

function isSamePlace(a: Place, b: Place): boolean {
  const keys = Object.keys(a.labels);
  return (
    a.isOpen === b.isOpen &&
    keys.length === Object.keys(b.labels).length &&
    keys.every((key) => a.labels[key] === b.labels[key])
  );
}

function addTo(counts: Map<string, number>, key: string | undefined, by: number): void {
  if (key === undefined) return;
  const after = (counts.get(key) ?? 0) + by;
  if (after === 0) counts.delete(key);
  else counts.set(key, after);
}
