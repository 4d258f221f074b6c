/** How the dashboard is built into the Python package, and served while it is worked on. */
import { gzipSync } from "node:zlib";
import react from "@vitejs/plugin-react";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";
import { madeUpFleet } from "./dev/server.ts";

const real = process.env.FLEETBUS_URL;

/** Puts a `.gz` beside every text file, so that the server compresses nothing at run time. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    generateBundle: {
      order: "post",
      handler(_options, bundle) {
        for (const [name, file] of Object.entries(bundle)) {
          if (!/\.(js|css|svg)$/.test(name)) continue;
          const source = Buffer.from(file.type === "chunk" ? file.code : file.source);
          this.emitFile({
            type: "asset",
            fileName: `${name}.gz`,
            source: gzipSync(source, { level: 9 }),
          });
        }
      },
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed(), ...(real ? [] : [madeUpFleet()])],
  build: {
    outDir: "../coordinator/http/static",
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // the content security policy allows no data: URLs
    modulePreload: { polyfill: false },
  },
  server: real ? { proxy: { "/api": { target: real, changeOrigin: true } } } : {},
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
});
