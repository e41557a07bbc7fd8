// Somebody at the real plane, with a browser and an address of his own.

import assert from "node:assert/strict";
import { accessible, fits, limitMs, open, plainlySpoken, shot, turn, ways } from "./browser.mjs";

/** What is asked of the plane is done in seconds; a nudge that was lost costs a minute more, until the cron comes. */
export const workLimitMs = 60_000 + 3 * limitMs;

const [wideLight, , , narrowDark] = ways;

let lastAddress = 0;

/**
 * A page at the plane. Each has a network address of its own, as people have, for the plane counts what each one asks of
 * it: locally the Workers runtime believes what stands in this header, at Cloudflare nobody can write it.
 */
export async function visit(browser, plane, way = wideLight) {
  const page = await open(browser, way);
  page.way = way;
  await page.context().setExtraHTTPHeaders({ "cf-connecting-ip": `192.0.2.${(lastAddress += 1)}` });
  page.at = (path) => new URL(path, plane.url).href;
  page.to = (path) => page.goto(page.at(path), { waitUntil: "load" });
  return page;
}

/** The browser had nothing against the page but that a form was refused, or came back, with one of `statuses`. */
export function content(page, ...statuses) {
  const expected = (text) =>
    statuses.some((status) => text.startsWith(`Failed to load resource: the server responded with a status of ${status}`));
  assert.deepEqual(page.complaints.filter((text) => !expected(text)), []);
  page.complaints.length = 0;
}

/**
 * Looks at a page as it stands: wide and light, narrow and dark; the samples are looked at in every way. A picture of
 * each goes by `name`. Operators, unlike others, are spoken to in the API's own words.
 */
export async function look(page, name, { isForOperators = false } = {}) {
  for (const way of [wideLight, narrowDark]) {
    await turn(page, way);
    await shot(page, `plane-${name}-${way.name}`);
    await fits(page);
    await accessible(page, way.theme);
  }
  if (!isForOperators) await plainlySpoken(page);
  await turn(page, page.way);
}

/** Fills the sign-up form in and sends it; answers with what is shown once. */
export async function signUp(page, name) {
  await page.to("/signup");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("button", { name: "Sign up" }).click();
  await page.getByRole("heading", { name: "Keep what is here" }).waitFor();
  return kept(page);
}

/** What a page shows once. */
export async function kept(page) {
  const [token, gatewayToken, address] = await Promise.all(
    ["token", "gateway-token", "address"].map((id) => page.locator(`#${id}`).innerText()),
  );
  return { token, gatewayToken, address };
}

/** The progress on the page ends by itself, with these words. */
export async function ends(page, words) {
  await page.locator("#progress-said").getByText(words).waitFor({ timeout: workLimitMs });
}

/** Unfolds the part of a page with that summary, within `place`. */
export async function unfold(place, summary) {
  await place.locator("summary", { hasText: summary }).first().click();
}
