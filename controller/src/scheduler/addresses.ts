import { fail } from "../errors.ts";

/** What others have. */
interface Taken<T> {
  has(value: T): boolean;
}

/** A range of IPv4 addresses from which servers get theirs, without those that are kept back. */
export class AddressPool {
  readonly range: string;
  readonly #first: number;
  readonly #last: number;
  readonly #reserved: readonly { first: number; last: number }[];
  #next: number;

  constructor(options: { range: string; gatewayAddress: string; reserved: readonly string[] }) {
    this.range = options.range;
    const { first, last } = bounds(options.range);
    // Network and broadcast address are nobody's.
    this.#first = first + 1;
    this.#last = last - 1;
    this.#next = this.#first;
    this.#reserved = [bounds(`${options.gatewayAddress}/32`), ...options.reserved.map(bounds)];
  }

  /** The next free one after the last given: one just given back may still be in use for a moment. Throws `addresses-exhausted`. */
  allocate(taken: Taken<string>): string {
    const found = this.#free(this.#next, this.#last, taken) ?? this.#free(this.#first, this.#next - 1, taken);
    if (found === undefined) throw fail("addresses-exhausted", { range: this.range });
    this.#next = found + 1;
    return textOf(found);
  }

  /** Why a server can't have this address; none: it can, if nobody else has it. */
  objection(address: string): string | undefined {
    const value = valueOf(address);
    if (value < this.#first || value > this.#last) return `"${address}" is outside of the fleet's range ${this.range}`;
    if (this.#reserved.some((block) => value >= block.first && value <= block.last)) return `"${address}" is reserved`;
    return undefined;
  }

  #free(from: number, to: number, taken: Taken<string>): number | undefined {
    for (let value = from; value <= to; value++) {
      const reserved = this.#reserved.find((block) => value >= block.first && value <= block.last);
      if (reserved !== undefined) value = reserved.last;
      else if (!taken.has(textOf(value))) return value;
    }
    return undefined;
  }
}

/** Locally administered, made of the address: as unique as that, and the same wherever the server runs. */
export function macAddressOf(address: string): string {
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return ["02", "76", ...octets].join(":");
}

/** Host ids per server. */
const idBlockSize = 65_536;

/** Host ids from which servers get their blocks. */
export class IdBlockPool {
  readonly #start: number;
  readonly #count: number;
  #next = 0;

  constructor({ start, count }: { start: number; count: number }) {
    this.#start = start;
    this.#count = count;
  }

  /** First id of the next free block after the last given. Throws `id-blocks-exhausted`. */
  allocate(taken: Taken<number>): number {
    for (let looked = 0; looked < this.#count; looked++) {
      const index = (this.#next + looked) % this.#count;
      const start = this.#start + index * idBlockSize;
      if (taken.has(start)) continue;
      this.#next = index + 1;
      return start;
    }
    throw fail("id-blocks-exhausted", { count: this.#count });
  }
}

function valueOf(address: string): number {
  return address.split(".").reduce((value, octet) => value * 256 + Number(octet), 0);
}

function textOf(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join(".");
}

function bounds(cidr: string): { first: number; last: number } {
  const [address = "", length = "32"] = cidr.split("/");
  const size = 2 ** (32 - Number(length));
  const first = Math.floor(valueOf(address) / size) * size;
  return { first, last: first + size - 1 };
}
