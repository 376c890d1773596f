// Tests that need C compilers and an emulator: `npm run test:engines`.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/engines/**/*.test.ts"],
    testTimeout: 600_000,
    hookTimeout: 600_000,
    pool: "threads",
    // One engine is built once, not by two at the same time.
    maxWorkers: 1,
  },
});
