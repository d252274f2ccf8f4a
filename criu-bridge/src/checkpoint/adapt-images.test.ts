import { expect, it } from "vitest";
import { changeMessages, contentField, imageMessages, readFields } from "../criu/image-fields.ts";
import { moveAddress, moveIds } from "./adapt-images.ts";

const adaptation = {
  from: { idBlockStart: 1_000_000_000, address: "10.200.0.5" },
  to: { idBlockStart: 1_000_065_536, address: "10.200.1.9" },
};
const number = (field: number, value: number): Buffer => {
  const bytes = [field * 8];
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    bytes.push((rest % 128) | (rest >= 128 ? 128 : 0));
    if (rest < 128) return Buffer.from(bytes);
  }
};
const message = (...fields: Buffer[]) => Buffer.concat(fields);
const image = (...messages: Buffer[]) =>
  Buffer.concat([
    Buffer.from("magic..."),
    ...messages.map((content) => {
      const length = Buffer.alloc(4);
      length.writeUInt32LE(content.length);
      return Buffer.concat([length, content]);
    }),
  ]);

it("moves the host ids of a user namespace's maps, and nothing else", () => {
  const extent = (lower: number) => message(number(1, 0), number(2, lower), number(3, 65_536));
  const map = (lower: number) => image(message(contentField(1, extent(lower)), contentField(2, extent(lower))));
  expect(moveIds(map(1_000_000_000), adaptation)).toEqual(map(1_000_065_536));
});

it("binds sockets to the new address that were bound to the old one, whatever the length of its number", () => {
  const word = (address: string) => Buffer.from(address.split(".").map(Number)).readUInt32LE(0);
  const socket = (family: number, ...addresses: string[]) =>
    message(
      number(1, 4),
      number(2, 77),
      contentField(
        4,
        message(number(3, family), ...addresses.map((address) => number(11, word(address))), number(12, 5)),
      ),
    );
  const file = message(number(1, 1), number(2, 78), contentField(3, message(number(1, word("10.200.0.5")))));
  const files = (address: string) => image(socket(2, address), socket(2, "0.0.0.0"), socket(10, "10.200.0.5"), file);
  const moved = moveAddress(files("10.200.0.5"), adaptation);
  expect(moved).toEqual(files("10.200.1.9"));
  expect([...imageMessages(moved)].map((found) => readFields(found).get(2)?.value)).toEqual([77, 77, 77, 78]);
  expect(changeMessages(moved, (same) => same)).toEqual(moved);
});
