import zstd from "zstd-napi";
import binding from "zstd-napi/binding.js";
import { flagCompressed, type FrameHeader } from "./frame.ts";
import { fail } from "../errors.ts";

/** Negative levels trade size for speed; memory has to keep up with the network. */
const level = -3;
/** Tried first, from the middle of a frame: what doesn't shrink here is sent as it is. */
const sampleBytes = 16 * 1024;
/** Smaller than this share of the plain size, or it isn't worth the target's work. */
const worthwhile = 0.9;
/** After this many incompressible frames in a row only one frame in `probeEvery` is tried. */
const patience = 4;
const probeEvery = 8;

/** Decides frame by frame whether to compress, so that incompressible memory costs next to nothing. */
export class AdaptiveCompressor {
  readonly #zstd = new zstd.Compressor();
  #misses = 0;

  constructor() {
    this.#zstd.setParameters({ compressionLevel: level });
  }

  /** The compressed payload, or undefined where it is to be sent as it is. */
  compress(plain: Buffer): Buffer | undefined {
    if (plain.length < 512) return undefined;
    if (this.#misses > patience && this.#misses % probeEvery !== 0) {
      this.#misses++;
      return undefined;
    }
    const compressed = this.#looksCompressible(plain) ? this.#zstd.compress(plain) : undefined;
    if (compressed === undefined || compressed.length > plain.length * worthwhile) {
      this.#misses++;
      return undefined;
    }
    this.#misses = 0;
    return compressed;
  }

  #looksCompressible(plain: Buffer): boolean {
    if (plain.length <= 2 * sampleBytes) return true;
    const start = (plain.length - sampleBytes) >>> 1;
    return this.#zstd.compress(plain.subarray(start, start + sampleBytes)).length < sampleBytes * worthwhile;
  }
}

const decompressor = new binding.DCtx();

/**
 * The plain payload of a frame, unpacked into `memory` if that is given and it is compressed. A bomb is refused: the header's length is
 * bounded and must be met exactly.
 */
export function decompress(payload: Buffer, header: FrameHeader, memory?: Buffer): Buffer {
  if ((header.flags & flagCompressed) === 0) return payload;
  const declaredBytes = zstdContentBytes(payload);
  if (declaredBytes !== header.plainBytes) {
    throw fail("stream-invalid", {
      reason: `frame ${header.sequence} announces ${header.plainBytes} bytes, its zstd data ${declaredBytes ?? "none"}`,
    });
  }
  const plain = memory?.subarray(0, declaredBytes) ?? Buffer.allocUnsafe(declaredBytes);
  let bytes: number;
  try {
    bytes = decompressor.decompress(plain, payload);
  } catch (thrown) {
    throw fail("stream-invalid", { reason: `frame ${header.sequence} is not valid zstd data` }, { cause: thrown });
  }
  if (bytes !== header.plainBytes) {
    throw fail("stream-invalid", {
      reason: `frame ${header.sequence} announces ${header.plainBytes} bytes, found ${bytes}`,
    });
  }
  return plain;
}

/** Frame_Content_Size of a zstd frame (RFC 8878, 3.1.1.1), so that nothing is allocated on the data's word. */
function zstdContentBytes(data: Buffer): number | undefined {
  if (data.length < 18 || data.readUInt32LE(0) !== 0xfd2fb528) return undefined;
  const descriptor = data.readUInt8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3] ?? 0;
  const at = 5 + (singleSegment ? 0 : 1) + dictionaryBytes;
  switch (descriptor >> 6) {
    case 0:
      return singleSegment ? data.readUInt8(at) : undefined;
    case 1:
      return data.readUInt16LE(at) + 256;
    case 2:
      return data.readUInt32LE(at);
    default:
      return Number(data.readBigUInt64LE(at));
  }
}
