import { expect, it } from "vitest";
import { hasClosed, hasEarlyData, hasUnaccepted, unreadName } from "./unsettled-socket.ts";

const head = "Num       RefCount Protocol Flags    Type St Inode Path";
const listening = "0000000011111111: 00000002 00000000 00010000 0001 01 4050223 /run/systemd/journal/stdout";
const accepted = "0000000022222222: 00000003 00000000 00000000 0001 03 4050230 /run/systemd/journal/stdout";
const unaccepted = "000000008a71abde: 00000003 00000000 00000000 0001 02     0 /run/systemd/journal/stdout";
const nameless = "000000008a71abde: 00000003 00000000 00000000 0001 02     0";
const closed = "00000000433de0e3: 00000002 00000000 00000000 0001 02     0 @abstract";

it.each([
  ["none", [], false, false],
  ["those that are accepted", [listening, accepted], false, false],
  ["one that is not accepted", [listening, accepted, unaccepted], true, false],
  ["one without a name", [nameless, accepted], true, false],
  ["one that is closed again", [listening, closed], true, true],
])("finds connections that nobody has accepted: %s", (_what, lines, isThere, isClosed) => {
  const table = `${[head, ...lines].join("\n")}\n`;
  expect([hasUnaccepted(table), hasClosed(table)]).toEqual([isThere, isClosed]);
});

it.each([
  ["none", "u_str ESTAB  0      0         * 6672003 * 0", false],
  ["some", "u_str ESTAB  0      768       * 6672004 * 0", true],
  ["some of a client with a name", "u_str ESTAB  0      768       /tmp/client 6672004 * 0   ", true],
  ["on an accepted one", "u_str ESTAB  0      768       * 6672004 * 6672005", false],
])("finds data on them: %s", (_what, line, isThere) => {
  expect(hasEarlyData(`u_str ESTAB 0 0 * 1 * 2\n${line}\n`)).toBe(isThere);
});

it.each([
  ["nothing unread", "u_dgr ESTAB  0  0  /run/systemd/journal/dev-log 4050235 * 0", undefined],
  ["unread by who is not connected", "u_dgr UNCONN 9 0 /run/systemd/notify 4050235 * 0", "/run/systemd/notify"],
  ["unread", "u_dgr ESTAB  31     0   /run/systemd/journal/dev-log 4050235 * 0", "/run/systemd/journal/dev-log"],
  ["waiting to be accepted", "u_str LISTEN 1  4096  /run/systemd/journal/stdout 4050223 * 0", undefined],
  ["somebody else's", "u_str ESTAB  670    0    * 4050221 * 4050220", undefined],
  ["somebody else's by name", "u_str ESTAB  670    0    /run/postgresql/.s 4050221 * 4050220", undefined],
])("finds what an init system has not read: %s", (_what, line, name) => {
  expect(unreadName(`u_str ESTAB 0 0 * 1 * 2\n${line}\n`)).toBe(name);
});
