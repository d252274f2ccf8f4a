/** A part of a member, in a file of its own that others may share. */
export interface Chunk {
  /** Digest of its plain bytes, in hexadecimal; names its file. */
  id: string;
  plainBytes: number;
  /** Of its file. */
  storedBytes: number;
  /** Of its file's content: tells in a moment whether it is what was written. */
  crc32: number;
}

/** The chunks of each member that is kept in chunks, in their order. */
export type ChunkIndex = ReadonlyMap<string, readonly Chunk[]>;

const idBytes = 32;
const recordBytes = idBytes + 12;

/** docs/formats/checkpoint.md */
export function writeChunkIndex(index: ChunkIndex): Buffer {
  const parts: Buffer[] = [];
  for (const [name, chunks] of index) {
    const text = Buffer.from(name);
    const head = Buffer.alloc(2 + text.length + 4);
    head.writeUInt16LE(text.length, 0);
    text.copy(head, 2);
    head.writeUInt32LE(chunks.length, 2 + text.length);
    const records = Buffer.alloc(chunks.length * recordBytes);
    for (const [number, { id, plainBytes, storedBytes, crc32 }] of chunks.entries()) {
      const at = number * recordBytes;
      records.write(id, at, "hex");
      records.writeUInt32LE(plainBytes, at + idBytes);
      records.writeUInt32LE(storedBytes, at + idBytes + 4);
      records.writeUInt32LE(crc32, at + idBytes + 8);
    }
    parts.push(head, records);
  }
  return Buffer.concat(parts);
}

/** Throws a `RangeError` where it ends too early. */
export function readChunkIndex(data: Buffer): ChunkIndex {
  const index = new Map<string, Chunk[]>();
  for (let at = 0; at < data.length;) {
    const nameEnd = at + 2 + data.readUInt16LE(at);
    const name = data.toString("utf8", at + 2, nameEnd);
    const count = data.readUInt32LE(nameEnd);
    at = nameEnd + 4;
    if (at + count * recordBytes > data.length) throw new RangeError("it ends too early");
    const chunks: Chunk[] = [];
    for (let number = 0; number < count; number++, at += recordBytes)
      chunks.push({
        id: data.toString("hex", at, at + idBytes),
        plainBytes: data.readUInt32LE(at + idBytes),
        storedBytes: data.readUInt32LE(at + idBytes + 4),
        crc32: data.readUInt32LE(at + idBytes + 8),
      });
    index.set(name, chunks);
  }
  return index;
}
