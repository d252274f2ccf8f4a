const prime = 0x01000193;
const seeds = [0x811c9dc5, 0x2f0b4a5d] as const;

/** A digest of a set of entries that follows it entry by entry, in whatever order they come and go. */
export class MapDigest {
  #first = 0;
  #second = 0;

  /** Adds an entry, or takes it away where it is in. */
  toggle(entry: string): void {
    this.#first ^= hash(entry, seeds[0]);
    this.#second ^= hash(entry, seeds[1]);
  }

  get text(): string {
    return [this.#first, this.#second].map((half) => (half >>> 0).toString(16).padStart(8, "0")).join("");
  }
}

/** FNV-1a, with MurmurHash3's end: without it, XORed sums of alike entries cancel each other out. */
function hash(text: string, seed: number): number {
  let value: number = seed;
  for (let index = 0; index < text.length; index++) value = Math.imul(value ^ text.charCodeAt(index), prime);
  value = Math.imul(value ^ (value >>> 16), 0x85ebca6b);
  value = Math.imul(value ^ (value >>> 13), 0xc2b2ae35);
  return value ^ (value >>> 16);
}
