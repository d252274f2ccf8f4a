/** A face of its own, for programs that a server waits for: without the schemas, which take several times as long to load. */
export * from "./compare-versions.ts";
export * from "./environment.ts";
export * from "./errors.ts";
