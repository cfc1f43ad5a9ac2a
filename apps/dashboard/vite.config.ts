import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    // No data: URLs, so that a `default-src 'self'` content security policy holds.
    assetsInlineLimit: 0,
    // ECharts, loaded only by the canvas view.
    chunkSizeWarningLimit: 700,
  },
  server: {
    proxy: Object.fromEntries(
      ["/v1", "/docs", "/health"].map((path) => [path, "http://127.0.0.1:8787"]),
    ),
  },
});
