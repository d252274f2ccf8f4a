import { nkeys } from "nats";

/** An nkey of a NATS user: the seed is its secret, the public key its name in the server's configuration. */
export interface Nkey {
  readonly seed: string;
  readonly publicKey: string;
}

export function createNkey(): Nkey {
  const pair = nkeys.createUser();
  return { seed: new TextDecoder().decode(pair.getSeed()), publicKey: pair.getPublicKey() };
}

export function nkeyFromSeed(seed: string): Nkey {
  const text = seed.trim();
  return { seed: text, publicKey: nkeys.fromSeed(new TextEncoder().encode(text)).getPublicKey() };
}
