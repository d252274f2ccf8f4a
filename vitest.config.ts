import { defineConfig } from "vitest/config";

/** Fast tests beside the code, tests that need root and real components, and whole-fleet tests in a lab. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["*/**/*.test.ts"],
          exclude: [
            "**/node_modules/**",
            "**/*.system.test.ts",
            "test/end-to-end/**",
            "test/soak/**",
            "test/vm/**",
            "test/high-availability/**",
          ],
        },
      },
      {
        test: {
          name: "system",
          include: ["*/**/*.system.test.ts"],
          exclude: ["**/node_modules/**"],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "end-to-end",
          include: ["test/end-to-end/**/*.test.ts"],
          exclude: ["**/node_modules/**", "**/*.zoo.test.ts", "**/*.faults.test.ts"],
          globalSetup: ["test/end-to-end/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "faults",
          include: ["test/end-to-end/**/*.faults.test.ts"],
          globalSetup: ["test/end-to-end/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "zoo",
          include: ["test/end-to-end/**/*.zoo.test.ts"],
          globalSetup: ["test/end-to-end/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
      {
        test: {
          name: "soak",
          include: ["test/soak/**/*.test.ts"],
          globalSetup: ["test/soak/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 300_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "high-availability",
          include: ["test/high-availability/**/*.test.ts"],
          globalSetup: ["test/high-availability/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "vm",
          include: ["test/vm/**/*.test.ts"],
          globalSetup: ["test/vm/global-setup.ts"],
          fileParallelism: false,
          testTimeout: 900_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
