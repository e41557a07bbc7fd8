// A person's whole way with the real plane, in a real browser. One after the other: each goes on where the former ended.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, turn, ways } from "./browser.mjs";
import { startPlane } from "./plane.mjs";
import { content, ends, kept, look, signUp, unfold, visit, workLimitMs } from "./visitor.mjs";

/** The narrowest of the ways in which pages are looked at. */
const narrow = ways.find((way) => way.width < 400);

let browser;
let plane;

before(async () => {
  plane = await startPlane();
  browser = await launch();
});
after(async () => {
  await Promise.all([browser?.close(), plane?.close()]);
});

describe("somebody with scripts", () => {
  let page;
  let own;

  before(async () => (page = await visit(browser, plane)));

  test("comes to the front page and goes on to sign up", async () => {
    await page.to("/");
    await look(page, "home");
    await page.locator("main").getByRole("link", { name: "Sign up" }).click();
    await page.getByRole("heading", { name: "Sign up" }).waitFor();
    content(page);
  });

  test("is told while typing whether the name can be had", async () => {
    const name = page.getByLabel("Name", { exact: true });
    const said = page.locator("#name-said");
    await turn(page, narrow);
    const below = await page.locator(".sizes").boundingBox();
    await name.fill("admin");
    await said.getByText(/reserved/).waitFor();
    assert.deepEqual(await page.locator(".sizes").boundingBox(), below, "nothing moves");
    await name.fill("Al");
    await said.getByText(/lowercase/).waitFor();
    assert.deepEqual(await page.locator(".sizes").boundingBox(), below, "nothing moves");
    await look(page, "signup-name-refused");
    await name.fill("alice");
    await said.getByText("Free:").waitFor();
    assert.equal(await said.locator("code").innerText(), `http://paramita-cloud-alice.localhost:${new URL(plane.emulator).port}/`);
    content(page);
  });

  test("sees the price of each size, chooses one and signs up", async () => {
    assert.match(await page.locator("label.size", { hasText: "standard-2" }).innerText(), /\$\d+\.\d\d/);
    await page.locator("label.size", { hasText: "standard-1" }).click();
    await page.getByLabel("Sleep").selectOption("1h");
    await look(page, "signup");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.getByRole("heading", { name: "Keep what is here" }).waitFor();
    own = await kept(page);
    assert.match(own.token, /^pcp_[\w-]{51}$/);
    assert.ok(own.gatewayToken.length >= 32 && own.gatewayToken !== own.token);
    await page.getByText("You will not see this again.").waitFor();
    content(page);
  });

  test("watches the steps tick off without loading anything again", async () => {
    let loads = 0;
    page.on("framenavigated", () => (loads += 1));
    await look(page, "created");
    await ends(page, "It is ready.");
    assert.equal(await page.locator(".steps .done").count(), 5);
    assert.equal(loads, 0);
    assert.deepEqual(await kept(page), own);
    await look(page, "created-ready");
    content(page);
  });

  test("copies each value by its button", async () => {
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    for (const [label, value] of [["API token", own.token], ["Gateway token", own.gatewayToken], ["Address", own.address]]) {
      await page.getByRole("button", { name: `Copy: ${label}` }).click();
      await page.locator("#said", { hasText: `Copy: ${label}` }).waitFor();
      assert.equal(await page.evaluate(() => navigator.clipboard.readText()), value);
    }
  });

  test("loads the page again, and has the same tenant and the same tokens", async () => {
    await page.reload();
    assert.deepEqual(await kept(page), own);
    const { scripts } = await (await fetch(`${plane.emulator}/__emulator/state`)).json();
    assert.equal(Object.keys(scripts).length, 1);
    content(page);
  });

  test("opens the tenant at its own address", async () => {
    await page.getByRole("link", { name: "Open alice" }).click();
    await page.waitForURL(own.address);
    await page.getByText("alice").first().waitFor();
    page.complaints.length = 0;
  });

  test("finds the tokens nowhere on the tenant's page", async () => {
    await page.to("/tenants/alice");
    await page.locator(".pill", { hasText: "Ready" }).first().waitFor();
    const html = await page.content();
    assert.ok(!html.includes(own.token) && !html.includes(own.gatewayToken));
    await look(page, "tenant");
    content(page);
  });

  const secret = (name) => page.locator("#secrets li", { has: page.getByText(name, { exact: true }) });

  /** The page says so; then the change that is under way comes to its end on it, and it is loaded again. */
  async function settled(said) {
    await page.locator(".notice[role=status]", { hasText: said }).waitFor();
    await page.waitForLoadState();
    if (await page.locator("#progress").count()) {
      await page.locator("#progress:not([hx-get])").waitFor({ timeout: workLimitMs });
      await page.to("/tenants/alice");
    }
  }

  test("sets a secret that is missing and sees it arrive", async () => {
    await page.getByLabel("ANTHROPIC_API_KEY").fill("sk-ant-something");
    await page.getByRole("button", { name: "Set them" }).first().click();
    await secret("ANTHROPIC_API_KEY").getByText("On its way").waitFor();
    await look(page, "tenant-secret-pending");
    await settled("The secrets are on their way to your Worker.");
    content(page);
  });

  test("pastes several secrets at once, and is told of a line that is none", async () => {
    await unfold(page.locator("#secrets"), "Paste several");
    await page.locator("#paste").fill("CF_ACCESS_AUD=abc\nnonsense");
    await page.getByRole("button", { name: "Set them" }).last().click();
    await page.locator("#paste-error", { hasText: "no equals sign" }).waitFor();
    await look(page, "tenant-paste-refused");
    await page.locator("#paste").fill("CF_ACCESS_TEAM_DOMAIN=team.example\nCF_ACCESS_AUD=abc\nTELEGRAM_BOT_TOKEN=123:abc");
    await page.getByRole("button", { name: "Set them" }).last().click();
    await settled("The secrets are on their way to your Worker.");
    for (const name of ["CF_ACCESS_TEAM_DOMAIN", "CF_ACCESS_AUD", "TELEGRAM_BOT_TOKEN"]) {
      await secret(name).getByText("On its way").waitFor();
    }
    assert.equal(await page.getByText("OpenClaw needs these to work").count(), 0);
    await page.getByText("Your Worker has them. The container restarts to have them too").waitFor();
    await look(page, "tenant-secrets-restarting");
    content(page, 422);
  });

  test("deletes a secret", async () => {
    await unfold(secret("TELEGRAM_BOT_TOKEN"), "Replace or delete");
    await secret("TELEGRAM_BOT_TOKEN").getByRole("button", { name: "Delete" }).click();
    await settled("The secret is on its way out.");
    await secret("TELEGRAM_BOT_TOKEN").getByText("Not set").waitFor();
    content(page);
  });

  test("sees both prices before a change of the size, then saves it", async () => {
    const size = page.locator("#size");
    await size.locator("label.size", { hasText: "standard-2" }).click();
    await size.getByLabel("Sleep").selectOption("never");
    await size.getByRole("button", { name: "Show what changes" }).click();
    const row = page.getByRole("row", { name: /^A month/ });
    const [now, then] = (await row.getByRole("cell").allInnerTexts()).map((text) => Number(text.replace("$", "")));
    assert.ok(now > 0 && then > now, `${now} before, ${then} after`);
    assert.match(await page.locator("main").innerText(), /Its container is set to the new size/);
    await look(page, "preview");
    await page.getByRole("button", { name: "Save the change" }).click();
    await page.getByText("Saved. The change is being made.").waitFor();
    await look(page, "tenant-changing");
    await settled("Saved. The change is being made.");
    await page.locator(".facts", { hasText: "standard-2" }).waitFor();
    content(page);
  });

  test("suspends it, with its name typed out, and resumes it", async () => {
    const typed = () => page.locator("#suspend-confirm");
    await typed().fill("bob");
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.locator("#suspend-confirm-error", { hasText: "not the tenant's name" }).waitFor();
    await look(page, "tenant-suspend-refused");
    await typed().fill("alice");
    await page.getByRole("button", { name: "Suspend" }).click();
    await settled("It is being suspended. Its data is kept.");
    await page.locator(".title .pill", { hasText: "Suspended" }).waitFor();
    assert.match(await page.locator("#life").innerText(), /costs about \$[1-9]\d*\.\d\d a month again/);
    await look(page, "tenant-suspended");
    await page.locator("#size label.size", { hasText: "standard-1" }).click();
    await page.getByRole("button", { name: "Show what changes" }).click();
    await page.getByText("it counts from when your tenant runs again").waitFor();
    await page.getByRole("link", { name: "Leave it as it is" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await settled("It is being started again.");
    await page.locator(".title .pill", { hasText: "Ready" }).waitFor();
    content(page, 422);
  });

  test("makes a second token, sees it once, and revokes it", async () => {
    await unfold(page.locator("#tokens"), "Make a second token");
    await page.getByRole("button", { name: "Make the token" }).click();
    const second = await page.locator("#token").innerText();
    assert.match(second, /^pcp_[\w-]{51}$/);
    await look(page, "token-made");
    await page.getByRole("link", { name: "Back to your tenant" }).click();
    const tokens = page.locator("#tokens li");
    await page.getByText("Two are the most.").waitFor();
    assert.equal(await tokens.count(), 2);
    assert.ok(!(await page.content()).includes(second));
    const other = tokens.filter({ hasNotText: "You are using it" });
    await unfold(other, "Revoke");
    await other.getByRole("button", { name: "Revoke" }).click();
    await page.getByText("The token is revoked").waitFor();
    assert.equal(await tokens.count(), 1);
    content(page);
  });

  test("deletes it, with its name typed out, and brings it back with a new gateway token", async () => {
    await page.locator("#delete-confirm").fill("alice ");
    await page.getByRole("button", { name: "Delete alice" }).click();
    await page.getByText("It is being deleted.").first().waitFor();
    await look(page, "tenant-deleting");
    await settled("It is being deleted.");
    await page.getByRole("heading", { name: "Receipt" }).waitFor();
    await look(page, "tenant-data-kept");
    await page.getByRole("button", { name: "Bring it back" }).click();
    const gatewayToken = await page.locator("#gateway-token").innerText();
    assert.notEqual(gatewayToken, own.gatewayToken);
    await page.getByText("OpenClaw needs these secrets to work: ANTHROPIC_API_KEY").waitFor();
    await look(page, "brought-back");
    await ends(page, "It is ready.");
    await page.to("/tenants/alice");
    content(page);
  });

  test("deletes it at once, and gets a receipt", async () => {
    await page.getByLabel("Keep its data").selectOption("0");
    await page.locator("#delete-confirm").fill("alice");
    await page.getByRole("button", { name: "Delete alice" }).click();
    await settled("It is being deleted.");
    await page.locator(".title .pill", { hasText: "Gone" }).waitFor();
    assert.equal(await page.locator("#receipt li", { hasText: "Gone, seen" }).count(), 5);
    await page.getByRole("link", { name: "Sign up anew" }).waitFor();
    await look(page, "tenant-gone");
    const { buckets, scripts, applications } = await (await fetch(`${plane.emulator}/__emulator/state`)).json();
    assert.deepEqual([buckets, scripts, applications].map((all) => Object.keys(all).length), [0, 0, 0]);
    content(page);
  });
});

describe("somebody who has a token", () => {
  let page;
  let own;

  before(async () => {
    const first = await visit(browser, plane);
    own = await signUp(first, "bob");
    await first.context().close();
    page = await visit(browser, plane);
  });

  const signIn = async (name, token) => {
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("API token").fill(token);
    await page.getByRole("button", { name: "Open" }).click();
  };

  test("is asked for it at the tenant's page, and refused with a wrong one", async () => {
    await page.to("/tenants/bob");
    assert.equal(new URL(page.url()).hash, "#open");
    assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "bob");
    await signIn("bob", "pcp_wrong");
    await page.locator("#token-error", { hasText: "mistyped or cut short" }).waitFor();
    await look(page, "sign-in-refused");
    await signIn("alice", own.token);
    await page.locator("#token-error", { hasText: "no tenant of that name with that token" }).waitFor();
    assert.deepEqual(await page.context().cookies(), []);
    content(page, 422);
  });

  test("comes in by it, with a cookie for nobody else, and goes out again", async () => {
    await signIn("bob", own.token);
    await page.waitForURL(page.at("/tenants/bob"));
    const [cookie, ...others] = await page.context().cookies();
    const { name, httpOnly, secure, sameSite, path, domain } = cookie;
    assert.deepEqual(
      { name, httpOnly, secure, sameSite, path, domain, others },
      { name: "__Host-session", httpOnly: true, secure: true, sameSite: "Strict", path: "/", domain: "localhost", others: [] },
    );
    assert.ok(!cookie.value.includes(own.token));
    await page.getByRole("button", { name: "Sign out" }).click();
    await page.waitForURL(page.at("/"));
    assert.deepEqual(await page.context().cookies(), []);
    await page.to("/tenants/bob");
    assert.equal(new URL(page.url()).hash, "#open");
    content(page);
  });
});

describe("somebody without scripts", () => {
  let page;
  let own;
  const plain = ways.find((way) => !way.scripts);

  before(async () => (page = await visit(browser, plane, plain)));

  /** Loads the page until it says so. */
  async function until(text) {
    const limit = Date.now() + workLimitMs;
    while ((await page.getByText(text, { exact: true }).count()) === 0) {
      assert.ok(Date.now() < limit, `'${text}' was not said in time`);
      await page.to("/tenants/carol");
    }
  }

  test("signs up by the plain form, and is told there what is wrong", async () => {
    await page.to("/");
    await page.locator("main").getByRole("link", { name: "Sign up" }).click();
    await page.getByLabel("Name", { exact: true }).fill("Carol");
    await page.getByRole("button", { name: "Sign up" }).click();
    await page.locator("#name-error", { hasText: "lowercase" }).waitFor();
    await look(page, "plain-signup-refused");
    await page.getByLabel("Name", { exact: true }).fill("carol");
    await page.getByRole("button", { name: "Sign up" }).click();
    own = await kept(page);
    assert.match(own.token, /^pcp_/);
    await look(page, "plain-created");
    content(page, 422);
  });

  test("follows it to the tenant's page and sees it get ready", async () => {
    await page.getByRole("link", { name: "See on its page how far it is" }).click();
    await until("Ready");
    await look(page, "plain-tenant");
    content(page);
  });

  test("sets a secret and deletes the tenant by plain forms", async () => {
    await page.getByLabel("ANTHROPIC_API_KEY").fill("sk-ant-something");
    await page.getByRole("button", { name: "Set them" }).first().click();
    await page.getByText("The secrets are on their way to your Worker.").waitFor();
    await page.locator("#delete-confirm").fill("carol");
    await page.getByLabel("Keep its data").selectOption("0");
    await page.getByRole("button", { name: "Delete carol" }).click();
    await until("Gone");
    assert.equal(await page.locator("#receipt li", { hasText: "Gone, seen" }).count(), 5);
    content(page);
  });
});
