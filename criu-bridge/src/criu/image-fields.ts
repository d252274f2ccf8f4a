/** Magic numbers before the first length-prefixed message of one of CRIU's images. */
const imageHeadBytes = 8;
const [varint, lengthDelimited] = [0, 2];

/** Of a message in Protocol Buffers' encoding. */
interface Field {
  number: number;
  /** Of a varint. */
  value: number;
  /** Where its content stands. */
  bytes: Buffer;
  /** With its key and length. */
  whole: Buffer;
}

/** The fields of a message in order, up to one of a kind that CRIU's images have no use for. */
function* fieldsOf(message: Buffer): Generator<Field> {
  for (let at = 0; at < message.length;) {
    const key = readVarint(message, at);
    const first = readVarint(message, key.end);
    const wireType = key.value % 8;
    if (wireType !== varint && wireType !== lengthDelimited) return;
    const start = wireType === varint ? key.end : first.end;
    const end = wireType === varint ? first.end : first.end + first.value;
    yield {
      number: Math.floor(key.value / 8),
      value: first.value,
      bytes: message.subarray(start, end),
      whole: message.subarray(at, end),
    };
    at = end;
  }
}

/** By number, the last of each. */
export function readFields(message: Buffer): Map<number, Field> {
  return new Map([...fieldsOf(message)].map((field) => [field.number, field]));
}

/** The message with the content of every field of a number changed. */
export function changeFields(message: Buffer, number: number, change: (content: Buffer) => Buffer): Buffer {
  return Buffer.concat(
    [...fieldsOf(message)].map((field) =>
      field.number === number ? contentField(number, change(field.bytes)) : field.whole,
    ),
  );
}

export function contentField(number: number, content: Buffer): Buffer {
  return Buffer.concat([writeVarint(number * 8 + lengthDelimited), writeVarint(content.length), content]);
}

/** The messages of an image one after the other, in its own memory. */
export function* imageMessages(image: Buffer): Generator<Buffer> {
  for (let at = imageHeadBytes; at + 4 <= image.length;) {
    const end = at + 4 + image.readUInt32LE(at);
    yield image.subarray(at + 4, end);
    at = end;
  }
}

/** An image of the same kind with its messages changed. */
export function changeMessages(image: Buffer, change: (message: Buffer) => Buffer): Buffer {
  const parts = [image.subarray(0, imageHeadBytes)];
  for (const message of imageMessages(image)) {
    const changed = change(message);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(changed.length);
    parts.push(length, changed);
  }
  return Buffer.concat(parts);
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

function writeVarint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest = Math.floor(rest / 0x80)) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest % 0x80) | 0x80);
  }
}

/** The message with every varint of a number changed. */
export function changeNumbers(message: Buffer, number: number, change: (value: number) => number): Buffer {
  return Buffer.concat(
    [...fieldsOf(message)].map((field) =>
      field.number === number
        ? Buffer.concat([writeVarint(number * 8 + varint), writeVarint(change(field.value))])
        : field.whole,
    ),
  );
}
