import { defineConfig } from "vitest/config"

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    exclude: ["**/node_modules/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Two workers at most: many tests start servers and sandboxes of their own.
    maxWorkers: 2,
    pool: "forks",
  },
})
