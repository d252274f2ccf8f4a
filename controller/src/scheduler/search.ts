/** Nodes that fit of which the best is taken, at least; a small fleet is looked at whole. */
const nodesMin = 100;
/** Of a larger fleet more than that: one in so many. */
const share = 50;

/** Bounds the search, as kube-scheduler does: of a large fleet enough nodes that fit, beginning where the last search ended. */
export class Search {
  #next = 0;

  first(nodes: number): number {
    return nodes === 0 ? 0 : this.#next % nodes;
  }

  enough(nodes: number): number {
    return nodesMin + Math.floor(nodes / share);
  }

  looked(nodes: number): void {
    this.#next += nodes;
  }
}
