// Every sample page in a real browser: wide and narrow, light and dark, with scripts and without.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { accessible, fits, launch, open, shot, silent, turn, ways } from "./browser.mjs";
import { serveSamples } from "./samples.mjs";

let browser;
let samples;

before(async () => {
  samples = await serveSamples();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await samples?.close();
});

/** Opens a sample. Turnstile's script comes from far away; nothing comes instead of it. */
async function show(name, way) {
  const page = await open(browser, way);
  await page.route("https://challenges.cloudflare.com/**", (route) => route.fulfill({ contentType: "text/javascript" }));
  await page.goto(samples.at(name), { waitUntil: "load" });
  return page;
}

describe("every page", () => {
  for (const scripts of [true, false]) {
    const title = `${scripts ? "with" : "without"} scripts: nothing in the way of anybody, over the edge or refused`;
    // Two at a time: a page and its test wait for each other. The reference is very long and all of a kind: it is
    // looked at once in each width and each theme.
    test(title, { concurrency: 2 }, async (t) => {
      const all = ways.filter((way) => way.scripts === scripts);
      const waysOf = (name) => (name === samples.reference ? [all.at(0), all.at(-1)] : all);
      await Promise.all(samples.pages.map((name) => t.test(name, () => lookAt(name, waysOf(name)))));
    });
  }

  async function lookAt(name, inWays) {
    const page = await show(name, inWays[0]);
    for (const way of inWays) {
      await turn(page, way);
      await fold(page);
      await shot(page, `${name}-${way.name}`);
      await fits(page);
      await unfold(page);
      await fits(page);
      await accessible(page, way.theme);
    }
    silent(page);
    await page.context().close();
  }

  // What is folded away is looked at as well.
  const unfold = (page) =>
    page.evaluate(() => document.querySelectorAll("details:not([open])").forEach((details) => {
      details.open = details.wasFolded = true;
    }));
  const fold = (page) =>
    page.evaluate(() => document.querySelectorAll("details").forEach((details) => {
      if (details.wasFolded) details.open = false;
    }));
});

describe("with scripts", () => {
  for (const way of [ways[0], ways[2]]) {
    test(`the name is checked while it is typed, and nothing below it moves: ${way.name}`, () => checksName(way));
  }

  async function checksName(way) {
    const page = await show("signup", way);
    const below = () => page.locator(".sizes").boundingBox();
    const before = await below();
    const said = page.locator("#name-said");
    await page.getByLabel("Name", { exact: true }).fill("alice");
    await said.getByText("Free:").waitFor();
    assert.deepEqual(await below(), before);
    await page.getByLabel("Name", { exact: true }).fill("taken");
    await said.getByText("Another tenant has this name").waitFor();
    assert.deepEqual(await below(), before);
    silent(page);
    await page.context().close();
  }

  test("progress ticks off by itself, is said aloud, and ends by asking no more", async () => {
    const page = await show("created");
    const asked = [];
    page.on("request", (request) => {
      const { pathname, search } = new URL(request.url());
      if (pathname.endsWith("/progress")) asked.push(search);
    });
    await page.locator("#progress-said").getByText("It is ready.").waitFor();
    assert.equal(await page.locator(".steps .done").count(), 5);
    assert.equal(await page.locator("#progress[hx-get]").count(), 0);
    assert.deepEqual(asked, ["?seen=1.2", "?seen=1.3"]);
    // The tokens are still there: nothing but the progress was replaced.
    assert.match(await page.locator("#token").innerText(), /^pcp_/);
    await shot(page, "created-ready");
    await accessible(page);
    silent(page);
    await page.context().close();
  });

  test("a token is copied by its button, by mouse or keyboard", async () => {
    const page = await show("created");
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    const copied = () => page.evaluate(() => navigator.clipboard.readText());
    await page.getByRole("button", { name: "Copy: API token" }).click();
    await page.getByText("Copied", { exact: true }).waitFor();
    assert.match(await copied(), /^pcp_/);
    await page.getByRole("button", { name: "Copy: Address" }).press("Enter");
    await page.locator("#said").getByText("Copy: Address: done").waitFor();
    assert.match(await copied(), /^https:/);
    silent(page);
    await page.context().close();
  });

  test("times are in words, with the exact one on hover", async () => {
    const page = await show("tenant");
    const time = page.locator(".events relative-time").first();
    await page.waitForFunction(() => document.querySelector(".events relative-time").shadowRoot?.textContent !== "");
    assert.match((await time.getAttribute("title")) ?? "", /2026/);
    await page.context().close();
  });
});

describe("by keyboard", () => {
  test("the first stop leads past the header, and every stop can be seen", async () => {
    const page = await show("signup", ways[2]);
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await shot(page, "focus-skip");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "name");
    const seen = await page.evaluate(() => {
      const { outlineStyle, boxShadow } = getComputedStyle(document.activeElement);
      return outlineStyle !== "none" || boxShadow !== "none";
    });
    assert.ok(seen);
    await page.context().close();
  });

  test("what is wrong is what the page opens with", async () => {
    const page = await show("signup-refused");
    await page.locator(".notice[role=alert]:focus").waitFor();
    await page.getByRole("link", { name: /no invite code/ }).click();
    assert.equal(await page.evaluate(() => document.activeElement.id), "invite");
    await page.context().close();
  });
});
