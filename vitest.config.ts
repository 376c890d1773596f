import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["tests/**/*.test.ts"],
    // Those need compilers and an emulator (vitest.engines.config.ts).
    exclude: ["tests/engines/**"],
    // Scenarios run a month of virtual time; the machine may be slow and shared.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    pool: "threads",
    maxWorkers: 2,
    coverage: {
      provider: "v8",
      include: ["src/trusted/**/*.ts"],
      reporter: ["text", "json-summary"],
      thresholds: { lines: 100, branches: 100, functions: 100, statements: 100 },
    },
  },
});
