/** Pause before start number n + 1 in a row that did not last, milliseconds. */
const firstMs = 1000;
const mostMs = 60_000;
/** A start that lasted so long is forgiven. */
export const lastingMs = 60_000;

export function backOffMs(failures: number): number {
  return failures <= 0 ? 0 : Math.min(mostMs, firstMs * 2 ** Math.min(failures - 1, 16));
}
