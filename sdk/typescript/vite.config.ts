import { defineConfig } from "vitest/config";

export default defineConfig({
  build: {
    target: "es2022",
    minify: true,
    sourcemap: false,
    lib: {
      entry: { ackd: "src/index.ts", file: "src/file.ts", react: "src/react.ts" },
      formats: ["es"],
    },
    rolldownOptions: { external: ["react", /^node:/], output: { minify: { compress: true, mangle: { toplevel: true }, codegen: true } } },
  },
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 30_000,
    // The tests of the real server share two processors with it.
    fileParallelism: false,
  },
});
