/** How the dashboard is built into the Python package, and served while it is worked on. */
import { readdirSync, readFileSync } from "node:fs";
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

/** Puts the licences of what is bundled beside it, because they ask to come with every copy. */
function licences(): Plugin {
  return {
    name: "licences",
    apply: "build",
    generateBundle(_options, bundle) {
      const folders = Object.values(bundle)
        .flatMap((part) => (part.type === "chunk" ? part.moduleIds : []))
        .map((id) => /^\0?(.*\/node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1])
        .filter((folder) => folder !== undefined);
      const texts = [...new Set(folders)].sort().map((folder) => {
        const { name, version, license } = JSON.parse(
          readFileSync(`${folder}/package.json`, "utf8"),
        );
        const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry));
        const text = file
          ? readFileSync(`${folder}/${file}`, "utf8").trim()
          : "(comes without its text)";
        return `${name} ${version}, ${license}\n\n${text}\n`;
      });
      const source = texts.join(`\n${"-".repeat(72)}\n\n`);
      this.emitFile({ type: "asset", fileName: "third-party-licences.txt", source });
    },
  };
}

export default defineConfig({
  plugins: [react(), compressed(), licences(), ...(real ? [] : [madeUpFleet()])],
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
