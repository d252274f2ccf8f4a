import manifest from "../package.json" with { type: "json" };

/** Of every part of vfleet: they are released together. */
export const version: string = manifest.version;
