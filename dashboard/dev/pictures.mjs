/**
 * Takes pictures of views in Debian's Chromium: `node dev/pictures.mjs OUT URL WIDTHxHEIGHT:PATH[:light] ...`
 *
 * FLEET=name first makes the development server's fleet that; WAIT_MS waits before each picture;
 * COOKIE=name=value signs in at a real server.
 */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [out, url, ...shots] = process.argv.slice(2);
if (process.env.FLEET) await fetch(`${url}/dev/fleet/${process.env.FLEET}`, { method: "POST" });
const browser = await chromium.launchPersistentContext(mkdtempSync(join(tmpdir(), "pictures-")), {
  executablePath: "/usr/bin/chromium",
  headless: true,
  timezoneId: "UTC",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});
if (process.env.COOKIE) {
  const [name, value] = process.env.COOKIE.split("=");
  await browser.addCookies([{ name, value, url }]);
}
for (const shot of shots) {
  const [size, path, scheme] = shot.split(":");
  const [width, height] = size.split("x").map(Number);
  const page = await browser.newPage();
  page.on("console", (message) => {
    if (message.type() === "error") console.log(`${path}: ${message.text()}`);
  });
  page.on("pageerror", (error) => console.log(`${path}: ${error}`));
  await page.emulateMedia({ colorScheme: scheme ?? "dark", reducedMotion: "reduce" });
  await page.setViewportSize({ width, height });
  await page.goto(url + path);
  await page.waitForTimeout(Number(process.env.WAIT_MS ?? 1500));
  const name = `${process.env.FLEET ?? "real"}-${path
    .replace(/^\/$/, "now")
    .replaceAll(/[^a-z0-9]+/gi, "-")
    .replace(/^-/, "")}-${width}${scheme === "light" ? "-light" : ""}.png`;
  await page.screenshot({ path: join(out, name) });
  console.log(join(out, name));
  await page.close();
}
await browser.close();
