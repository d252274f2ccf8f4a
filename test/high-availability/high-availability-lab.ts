/** Tests started with another name don't meet those that run beside them. */
export const highAvailabilityLab = process.env["VFLEET_TEST_LAB"] ?? "high-availability";
export const controls = ["control-1", "control-2", "control-3"] as const;
export type Control = (typeof controls)[number];
