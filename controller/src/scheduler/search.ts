/** Nodes that fit of which the best is taken, at least; a small fleet is looked at whole. */
const nodesMin = 100;

/** Bounds the search, as kube-scheduler does: of a large fleet enough nodes that fit, beginning where the last search ended. */
export class Search {
  #next = 0;

  first(nodes: number): number {
    return nodes === 0 ? 0 : this.#next % nodes;
  }

  /** 50 % of 0 nodes down to 5 % of 5,625 and more. */
  enough(nodes: number): number {
    const share = Math.max(5, 50 - nodes / 125) / 100;
    return Math.max(nodesMin, Math.floor(nodes * share));
  }

  looked(nodes: number): void {
    this.#next += nodes;
  }
}
