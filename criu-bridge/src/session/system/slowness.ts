/** How many times longer than on a machine everything may take: where it is emulated. */
export const slowness = Number(process.env["VFLEET_SLOWNESS"] ?? 1);
