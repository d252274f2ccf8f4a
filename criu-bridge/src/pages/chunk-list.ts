/** Part of a payload that lies in several chunks, without copying. */
export function sliceChunks(chunks: readonly Buffer[], start: number, bytes: number): Buffer[] {
  const parts: Buffer[] = [];
  let skip = start;
  let wanted = bytes;
  for (const chunk of chunks) {
    if (wanted === 0) break;
    if (skip >= chunk.length) {
      skip -= chunk.length;
      continue;
    }
    const part = chunk.subarray(skip, skip + wanted);
    skip = 0;
    wanted -= part.length;
    parts.push(part);
  }
  return parts;
}

/** The same as one buffer; copies only where it spans chunks. */
export function joinChunks(chunks: readonly Buffer[], start: number, bytes: number): Buffer {
  const parts = sliceChunks(chunks, start, bytes);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : Buffer.concat(parts);
}
