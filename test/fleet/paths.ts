import { fileURLToPath } from "node:url";

/** The project's top folder, with a slash at its end. */
export const root = fileURLToPath(new URL("../..", import.meta.url));
export const endToEndLab = "end-to-end";
