import { expect, test } from "vitest";
import { nameWatchesIn } from "./watched-links.ts";

/** A `files` image with a file that watches one inode, and a regular file. */
function imageOf(path?: string): Buffer {
  const named = path === undefined ? [] : [4 * 8 + 2, path.length, ...Buffer.from(path)];
  const handle = [8, 20, 16, 0x4d, 24, 0x8b, 3, ...named];
  const entry = [8, 1, 16, 0x8b, 3, 24, 4, 32, 0, 40, 0x44, 48, 1, 7 * 8 + 2, handle.length, ...handle];
  const inotify = [8, 1, 16, 0, 34, 2, 8, 0, 5 * 8 + 2, entry.length, ...entry];
  const messages = [
    [8, 8, 16, 1, 13 * 8 + 2, inotify.length, ...inotify],
    [8, 1, 16, 2, 3 * 8 + 2, 2, 8, 0],
  ];
  const framed = messages.flatMap((message) => {
    const length = Buffer.alloc(4);
    length.writeUInt32LE(message.length);
    return [length, Buffer.from(message)];
  });
  return Buffer.concat([Buffer.alloc(8, 0xff), ...framed]);
}

test("a watch without a path gets the one that is known", () => {
  const asked: unknown[] = [];
  const named = nameWatchesIn(imageOf(), (watched) => {
    asked.push(watched);
    return "/etc/localtime";
  });
  expect(asked).toEqual([{ inode: 0x18b, device: 0x44 }]);
  expect(named).toEqual(imageOf("/etc/localtime"));
});

test("a watch with a path keeps it, and one of which nothing is known stays as it is", () => {
  expect(nameWatchesIn(imageOf("/run"), () => "/etc/localtime")).toEqual(imageOf("/run"));
  expect(nameWatchesIn(imageOf(), () => undefined)).toEqual(imageOf());
});
