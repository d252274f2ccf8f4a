import { createCipheriv, createDecipheriv, createHmac, hash, hkdfSync, randomBytes } from "node:crypto";

/** How a checkpoint's parts are written to the disk. */
export interface Sealing {
  /** Of the key; none: they are written as they are. */
  keyId: string | undefined;
  /** Name of a chunk with these plain bytes, in hexadecimal: the same for the same bytes. */
  chunkId(plain: Buffer): string;
  /** What is written in place of `content`. `about`: what it is; it can only be opened as the same. */
  seal(content: Buffer, about: string): Buffer;
  /** Throws where it isn't what was sealed. */
  open(sealed: Buffer, about: string): Buffer;
}

export const plainSealing: Sealing = {
  keyId: undefined,
  chunkId: (plain) => hash("sha256", plain),
  seal: (content) => content,
  open: (sealed) => sealed,
};

export const keyBytes = 32;
const algorithm = "aes-256-gcm";
const nonceBytes = 12;
const tagBytes = 16;
const keyIdBytes = 8;

/**
 * AES-256-GCM with a nonce of its own for each part, in front of it, and the tag behind. Names of chunks are keyed: they tell nobody without
 * the key whether a server has certain bytes.
 */
export function keyedSealing(key: Buffer): Sealing {
  const derive = (use: string) => Buffer.from(hkdfSync("sha256", key, "", `vfleet-checkpoint ${use}`, keyBytes));
  const contentKey = derive("content");
  const nameKey = derive("chunk ids");
  return {
    keyId: derive("key id").toString("hex", 0, keyIdBytes),
    chunkId: (plain) => createHmac("sha256", nameKey).update(plain).digest("hex"),
    seal: (content, about) => {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, contentKey, nonce).setAAD(Buffer.from(about));
      return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()]);
    },
    open: (sealed, about) => {
      if (sealed.length < nonceBytes + tagBytes) throw new Error("is too short to be encrypted");
      const end = sealed.length - tagBytes;
      const decipher = createDecipheriv(algorithm, contentKey, sealed.subarray(0, nonceBytes), {
        authTagLength: tagBytes,
      });
      decipher.setAAD(Buffer.from(about)).setAuthTag(sealed.subarray(end));
      try {
        return Buffer.concat([decipher.update(sealed.subarray(nonceBytes, end)), decipher.final()]);
      } catch (thrown) {
        throw new Error("is not what was written", { cause: thrown });
      }
    },
  };
}
