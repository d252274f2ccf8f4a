import { expect, it } from "vitest";
import { TicketOffice } from "./ticket-office.ts";

const move = { operation: "op", server: "uid", source: "host-1", target: "host-2", epoch: 3 };

function office() {
  const clock = { nowMs: 0 };
  return { clock, tickets: new TicketOffice({ monotonicMs: () => clock.nowMs }) };
}

it("takes a ticket once, from the node it is for", () => {
  const { tickets } = office();
  const ticket = tickets.issue(move, 1000);
  expect(tickets.redeem(ticket, move, "host-1")).toEqual(move);
  expect(() => tickets.redeem(ticket, move, "host-1")).toThrow(/unknown or was used/);
});

it("refuses an expired one", () => {
  const { clock, tickets } = office();
  const ticket = tickets.issue(move, 1000);
  clock.nowMs = 1000;
  expect(() => tickets.redeem(ticket, move, "host-1")).toThrow(/expired/);
});

it("refuses another node, and the ticket is lost then", () => {
  const { tickets } = office();
  const ticket = tickets.issue(move, 1000);
  expect(() => tickets.redeem(ticket, move, "host-3")).toThrow(/for node host-1, presented by host-3/);
  expect(() => tickets.redeem(ticket, move, "host-1")).toThrow(/unknown or was used/);
});

it.each([{ operation: "other" }, { server: "other" }, { target: "other" }, { epoch: 2 }])(
  "refuses another move: %o",
  (change) => {
    const { tickets } = office();
    expect(() => tickets.redeem(tickets.issue(move, 1000), { ...move, ...change }, "host-1")).toThrow(/another move/);
  },
);
