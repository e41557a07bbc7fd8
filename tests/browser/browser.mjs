// A real Chromium, and what is asked of every page in it. For whatever serves the pages: samples or the plane itself.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

/** Where screenshots go; not part of the repository. */
export const shots = path.join("build", "screenshots");

/** No page and no wait takes longer, however busy the machine is; whatever does, hangs. */
export const limitMs = 30_000;

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** Starts the Chromium of this machine; `CHROMIUM` names another. */
export function launch() {
  const command = process.env.CHROMIUM || "chromium";
  const found = whereIs(command);
  assert.ok(found, `'${command}' is missing. On Debian: sudo apt install chromium`);
  return chromium.launch({ executablePath: found, timeout: 2 * limitMs });
}

function whereIs(command) {
  try {
    return execFileSync("sh", ["-c", 'command -v "$0"', command], { encoding: "utf8" }).trim();
  } catch {
    return undefined;
  }
}

/** The ways in which every page is looked at. */
export const ways = [
  { name: "wide-light", width: 1280, theme: "light", scripts: true },
  { name: "wide-dark", width: 1280, theme: "dark", scripts: true },
  { name: "narrow-light", width: 360, theme: "light", scripts: true },
  { name: "narrow-dark", width: 360, theme: "dark", scripts: true },
  { name: "narrow-light-plain", width: 360, theme: "light", scripts: false },
  { name: "wide-dark-plain", width: 1280, theme: "dark", scripts: false },
];

/** Looks at a page that is open in another way; with scripts or without, it stays as it was opened. */
export async function turn(page, { width, theme }) {
  await page.setViewportSize({ width, height });
  await page.emulateMedia({ colorScheme: theme });
}

const height = 800;

/**
 * A page in a browser context of its own, looked at in that way. `page.complaints` gathers what the browser says
 * against it: errors on the console, violations of the security policy among them, exceptions, files that do not come.
 */
export async function open(browser, { width, theme, scripts } = ways[0]) {
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: "reduce",
    locale: "en-GB",
    timezoneId: "UTC",
  });
  context.setDefaultTimeout(limitMs);
  const page = await context.newPage();
  page.complaints = [];
  if (!scripts) {
    page.plain = await context.newCDPSession(page);
    await setScripts(page, false);
  }
  const complain = (text) => page.complaints.push(text);
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complain(message.text()));
  page.on("pageerror", (error) => complain(String(error)));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // Whoever leaves a page cuts off what it was still asking for: no fault of the page.
    if (why !== "net::ERR_ABORTED") complain(`${request.url()}: ${why}`);
  });
  return page;
}

const setScripts = (page, on) => page.plain?.send("Emulation.setScriptExecutionDisabled", { value: !on });

/**
 * axe finds nothing to complain about. It is put in from outside, so the page's policy does not matter; a page without
 * scripts is as it is by then. What is dark differs in its colours only, so nothing else is looked at again.
 */
export async function accessible(page, theme = "light") {
  await setScripts(page, true);
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate((runOnly) => {
    return globalThis.axe.run({ resultTypes: ["violations"], ...runOnly });
  }, theme === "dark" ? { runOnly: ["color-contrast"] } : {});
  const found = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id} (${help}) at ${target}: ${failureSummary}`),
  );
  await setScripts(page, false);
  assert.deepEqual(found, []);
}

/** Nothing reaches over the edge, so that nobody has to scroll sideways, but for what scrolls by itself. */
export async function fits(page) {
  const over = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrollsItself = (element) => element.closest(".wide") && !element.matches(".wide");
    const isOver = (element) => element.getBoundingClientRect().right > width + 0.5 && !scrollsItself(element);
    return [...document.body.querySelectorAll("*")].filter(isOver).map((element) => element.outerHTML.slice(0, 120));
  });
  const scrolls = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  assert.deepEqual({ scrolls, over }, { scrolls: false, over: [] });
}

/**
 * It speaks to people, who have buttons for what programs send and read no timestamps. What is folded away may show
 * how to call the API.
 */
export async function plainlySpoken(page) {
  const text = await page.evaluate(() => {
    const main = document.querySelector("main").cloneNode(true);
    main.querySelectorAll("details").forEach((details) => details.remove());
    return main.textContent;
  });
  const jargon = /.{0,40}(\b(GET|POST|PATCH|PUT|DELETE) \/|\/v1\/|\d{4}-\d\d-\d\dT).{0,40}/;
  assert.equal(text.match(jargon)?.[0], undefined);
}

/** The browser had nothing to say against the page. */
export function silent(page) {
  assert.deepEqual(page.complaints, []);
}

/** The whole page as a picture. */
export async function shot(page, name) {
  mkdirSync(shots, { recursive: true });
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true, animations: "disabled" });
}
