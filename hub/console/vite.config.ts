import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

// The build goes into the hub's package. Nothing is inlined into the page: its policy allows no inline script or style.
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "../src/gatehouse_hub/static",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
  server: { proxy: { "/api": "http://127.0.0.1:8080" } },
  test: {
    environment: "happy-dom",
    include: ["src/**/*.test.{ts,tsx}"],
    setupFiles: ["src/test-setup.ts"],
    restoreMocks: true,
    css: true,
  },
});
