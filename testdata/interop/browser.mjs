// What the scripts that drive Chromium share.
import { chromium } from "playwright-core";

const args = [
  "--no-sandbox", "--disable-gpu", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

// launch starts the browser that CHROMIUM names, with a fresh profile. What a
// page complains about is a failure of the script.
export async function launch() {
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args });
  return {
    close: () => browser.close(),
    // open loads url in a profile of its own, on a screen of that size.
    async open(url, viewport = { width: 1280, height: 800 }, options = {}) {
      const context = await browser.newContext({ viewport, ...options });
      context.setDefaultTimeout(30_000);
      const page = await context.newPage();
      page.on("pageerror", (error) => { console.error("page:", error); process.exitCode = 1; });
      await page.goto(url);
      return page;
    },
  };
}
