import zstd from "zstd-napi";
import binding from "zstd-napi/binding.js";
import type { Sealing } from "./sealing.ts";

/** Keeps up with a disk; of memory that doesn't shrink it makes next to no work. */
const level = -1;

const compressor = new zstd.Compressor();
compressor.setParameters({ compressionLevel: level });
const decompressor = new binding.DCtx();

/** Content of a chunk's file. */
export function packChunk(plain: Buffer, id: string, sealing: Sealing): Buffer {
  return sealing.seal(compressor.compress(plain), id);
}

interface Expected {
  id: string;
  plainBytes: number;
  sealing: Sealing;
}

/** Its plain bytes; throws where they are others. */
export function unpackChunk(stored: Buffer, expected: Expected): Buffer {
  const plain = chunkContent(stored, expected);
  if (expected.sealing.chunkId(plain) !== expected.id) throw new Error("is not what was written");
  return plain;
}

/** What it has, whatever that is. Nothing is allocated on the file's word. */
export function chunkContent(stored: Buffer, { id, plainBytes, sealing }: Expected): Buffer {
  const plain = Buffer.allocUnsafe(plainBytes);
  const found = decompressor.decompress(plain, sealing.open(stored, id));
  if (found !== plainBytes) throw new Error(`must have ${plainBytes} bytes, found ${found}`);
  return plain;
}
