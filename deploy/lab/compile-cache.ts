/** Where Node.js keeps what it compiled, for the lab's own programs: loading TypeScript a second time costs half. */
export const compileCacheFolder = new URL("../../.cache/compile", import.meta.url).pathname;
