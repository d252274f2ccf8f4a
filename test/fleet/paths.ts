import { fileURLToPath } from "node:url";

/** The project's top folder, with a slash at its end. */
export const root = fileURLToPath(new URL("../..", import.meta.url));
/** Tests started with another name don't meet those that run beside them. */
export const endToEndLab = process.env["VFLEET_TEST_LAB"] ?? "end-to-end";
