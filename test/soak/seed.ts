export const soakLab = process.env["VFLEET_TEST_LAB"] ?? "soak";
export const rounds = Number(process.env["VFLEET_SOAK_ROUNDS"] ?? 40);
/** Of what is picked. What happens at the same moment of another run is near it, not the same. */
export const seed = Number(process.env["VFLEET_SEED"] ?? Date.now() % 1_000_000);

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
export function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
