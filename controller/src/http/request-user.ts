import type { FastifyRequest } from "fastify";
import { anonymous, type User } from "./authentication.ts";

const users = new WeakMap<object, User>();

/** Remembers who asks, for as long as the request lives. */
export function setUser(request: FastifyRequest, user: User): void {
  users.set(request, user);
}

export function userOf(request: FastifyRequest): User {
  return users.get(request) ?? anonymous;
}
