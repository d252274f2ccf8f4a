/** Magic numbers before the first length-prefixed message of one of CRIU's images. */
const imageHeadBytes = 8;
const [varint, lengthDelimited] = [0, 2];

interface Field {
  /** Of a varint. */
  value: number;
  /** Where its content stands. */
  bytes: Buffer;
}

/** Protocol Buffers: the fields of a message, the last of each number. */
export function readFields(message: Buffer): Map<number, Field> {
  const fields = new Map<number, Field>();
  for (let at = 0; at < message.length;) {
    const key = readVarint(message, at);
    const first = readVarint(message, key.end);
    const wireType = key.value % 8;
    if (wireType !== varint && wireType !== lengthDelimited) return fields;
    const start = wireType === varint ? key.end : first.end;
    at = wireType === varint ? first.end : first.end + first.value;
    fields.set(Math.floor(key.value / 8), { value: first.value, bytes: message.subarray(start, at) });
  }
  return fields;
}

/** The messages of an image one after the other, in its own memory. */
export function* imageMessages(image: Buffer): Generator<Buffer> {
  for (let at = imageHeadBytes; at + 4 <= image.length;) {
    const end = at + 4 + image.readUInt32LE(at);
    yield image.subarray(at + 4, end);
    at = end;
  }
}

function readVarint(bytes: Buffer, start: number): { value: number; end: number } {
  let value = 0;
  let scale = 1;
  for (let at = start; ; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return { value, end: at + 1 };
    scale *= 0x80;
  }
}
