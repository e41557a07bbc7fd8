// An operator's whole way with the real plane, in a real browser. One after the other: each goes on where the former ended.

import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { launch, ways } from "./browser.mjs";
import { startPlane } from "./plane.mjs";
import { content, look as lookAt, unfold, visit, workLimitMs } from "./visitor.mjs";

let browser;
let plane;

before(async () => {
  plane = await startPlane();
  browser = await launch();
});
after(async () => {
  await Promise.all([browser?.close(), plane?.close()]);
});

const look = (page, name) => lookAt(page, name, { isForOperators: true });

/** Comes in by Access's stand-in as somebody. */
async function signIn(page, email) {
  await page.to("/admin");
  await page.getByRole("link", { name: "Sign in with Access" }).click();
  await page.getByLabel("E-mail address").fill(email);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL(page.at("/admin"));
}

const asked = new Map();

/** Asks the plane's API, from an address of its own. */
async function api(method, path, body, token) {
  asked.set(path, (asked.get(path) ?? 0) + 1);
  const headers = { "content-type": "application/json", "cf-connecting-ip": `198.51.100.${asked.size}` };
  if (token) headers.authorization = `Bearer ${token}`;
  const answer = await fetch(new URL(path, plane.url), { method, headers, body: body && JSON.stringify(body) });
  return { status: answer.status, body: await answer.json() };
}

/** Tells the far side something. */
async function poke(method, path, body) {
  const answer = await fetch(new URL(`/__emulator/${path}`, plane.emulator), { method, body: body && JSON.stringify(body) });
  assert.ok(answer.ok, `${method} ${path}: ${answer.status}`);
}

/** Waits, without loading the page again, until the tenant on it stands so. */
const stands = (page, phase) => page.locator(".title .pill").getByText(phase, { exact: true }).waitFor({ timeout: workLimitMs });

describe("the operators' page", () => {
  let page;

  before(async () => (page = await visit(browser, plane)));

  test("asks whoever comes to sign in, and leads back to where they wanted to go", async () => {
    await page.to("/admin/audit");
    await page.getByRole("heading", { name: "Sign in" }).waitFor();
    await look(page, "console-sign-in");
    content(page, 401);
    await page.getByRole("link", { name: "Sign in with Access" }).click();
    await page.getByLabel("E-mail address").fill("operator@example.com");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.getByRole("heading", { name: "Audit" }).waitFor();
    await look(page, "console-audit-empty");
    content(page);
  });

  test("says what to do first on a plane without tenants", async () => {
    await page.to("/admin");
    await page.getByText("Nobody has signed up yet.").first().waitFor();
    await look(page, "console-fleet-empty");
    content(page);
  });

  test("lets nobody in whom no setting names", async () => {
    const stranger = await visit(browser, plane);
    await stranger.to("/admin");
    await stranger.getByRole("link", { name: "Sign in with Access" }).click();
    await stranger.getByLabel("E-mail address").fill("eve@elsewhere.example");
    const refused = stranger.waitForResponse((response) => response.url() === stranger.at("/admin"));
    await stranger.getByRole("button", { name: "Sign in" }).click();
    assert.equal((await refused).status(), 403);
    await look(stranger, "console-no-access");
    content(stranger, 401, 403);
    await stranger.context().close();
  });

  test("makes an invite, shows its code once, and says who came with it", async () => {
    await page.to("/admin/invites");
    await page.getByLabel("Note").fill("for alice");
    await page.getByLabel("Tenant's name").fill("alice");
    await page.getByRole("button", { name: "Make an invite" }).click();
    const code = await page.locator("#code").innerText();
    assert.match(code, /^inv_/);
    await look(page, "console-invite-made");
    const signedUp = await api("POST", "/v1/tenants", { name: "alice", invite: code });
    assert.equal(signedUp.status, 202, JSON.stringify(signedUp.body));
    await page.getByRole("link", { name: "Back to the invites" }).click();
    await page.locator(".pill").getByText("used").waitFor();
    assert.ok(!(await page.content()).includes(code));
    await look(page, "console-invites");
    content(page);
  });

  test("refuses a form that is wrong and keeps what was typed", async () => {
    await page.getByLabel("Tenant's name").fill("Not A Name");
    await page.getByRole("button", { name: "Make an invite" }).click();
    await page.getByText("Please look at this again").waitFor();
    assert.equal(await page.getByLabel("Tenant's name").inputValue(), "Not A Name");
    await look(page, "console-invites-refused");
    content(page, 422);
  });

  test("leads from the fleet to a failed tenant, says why, and mends it without being loaded again", async () => {
    const refusal = { status: 403, code: 10042, message: "Please enable R2 through the Cloudflare Dashboard." };
    await poke("POST", "faults", { effect: "refuse", kind: "r2.bucket.create", times: 1_000, ...refusal });
    assert.equal((await api("POST", "/v1/tenants", { name: "bob" })).status, 202);
    await page.to("/admin");
    const needy = page.getByRole("region", { name: "Needs a person" });
    await needy.getByRole("link", { name: "bob" }).first().waitFor({ timeout: workLimitMs });
    await look(page, "console-fleet-failed");
    await needy.getByRole("link", { name: "bob" }).first().click();
    await page.getByText("Enable R2").first().waitFor();
    await look(page, "console-tenant-failed");
    await poke("DELETE", "faults");
    await page.getByRole("button", { name: "Retry now" }).click();
    await stands(page, "ready");
    await look(page, "console-tenant");
    content(page);
  });

  test("shows a change of size beside what is so, until it is", async () => {
    await unfold(page, "Resize");
    await page.getByLabel("Size").selectOption("standard-2");
    await page.getByRole("button", { name: "Save" }).first().click();
    await page.getByText("Saved. The change is being made.").waitFor();
    await stands(page, "ready");
    const size = page.getByRole("row", { name: /^Size/ });
    assert.match(await size.innerText(), /standard-2\s+standard-2/);
    content(page);
  });

  test("pauses work on a tenant and lets it go on", async () => {
    await page.getByRole("button", { name: "Pause" }).click();
    await page.locator(".title .pill").getByText("paused").waitFor();
    await look(page, "console-tenant-paused");
    await page.getByRole("button", { name: "Let work go on" }).click();
    await page.locator(".title .pill").getByText("paused").waitFor({ state: "detached" });
    content(page);
  });

  test("suspends several at once, once it is confirmed, and shows it without being loaded again", async () => {
    await page.to("/admin");
    for (const name of ["alice", "bob"]) await page.getByLabel(`Choose ${name}`).check();
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByRole("heading", { name: "Suspend: 2 tenants" }).waitFor();
    await look(page, "console-bulk");
    await page.getByLabel("to confirm").fill("suspend 1 tenant");
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByText("Type suspend 2 tenants to be sure.").waitFor();
    await page.getByLabel("to confirm").fill("suspend 2 tenants");
    await page.getByRole("button", { name: "Suspend" }).click();
    await page.getByText("Every one of them was taken.").waitFor();
    await look(page, "console-bulk-done");
    await page.getByRole("link", { name: "Back to the fleet" }).click();
    const suspended = page.locator("table.tenants .pill").getByText("suspended", { exact: true });
    await suspended.nth(1).waitFor({ timeout: workLimitMs });
    content(page, 422);
  });

  test("finds tenants by what they are", async () => {
    await page.getByLabel("Name begins with").fill("al");
    await page.getByRole("button", { name: "Show" }).click();
    await page.getByRole("row", { name: /alice/ }).waitFor();
    assert.equal(await page.locator("table.tenants tbody tr").count(), 1);
    await page.getByRole("link", { name: "Show all" }).first().click();
    await page.locator("table.tenants tbody tr").nth(1).waitFor();
    content(page);
  });

  test("deletes a tenant whose name is typed, and shows the receipt", async () => {
    await page.getByRole("row", { name: /bob/ }).getByRole("link", { name: "bob" }).click();
    await page.locator("summary", { hasText: /^Delete/ }).click();
    await page.getByLabel("Keep its data for days").fill("0");
    const confirm = page.locator("#delete-confirm");
    await confirm.fill("bobby");
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("This is not the tenant's name.").first().waitFor();
    await page.getByLabel("Keep its data for days").fill("0");
    await confirm.fill("bob");
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.getByText("It is being deleted.").waitFor();
    await stands(page, "deleted");
    await page.reload();
    const receipt = page.getByRole("region", { name: "Receipt" });
    for (const what of ["Storage", "Worker", "Container"]) {
      assert.match(await receipt.getByRole("listitem").filter({ hasText: what }).innerText(), /Gone/, what);
    }
    await look(page, "console-tenant-deleted");
    content(page, 422);
  });

  test("names the permission that the plane's token lacks, and what to do", async () => {
    await page.to("/admin/doctor");
    assert.equal(await page.locator("#failed").count(), 0, await page.locator("main").innerText());
    await look(page, "console-doctor");
    await poke("PUT", "lacks", { permissions: ["r2"] });
    await page.getByRole("link", { name: "Check again" }).click();
    const failed = page.getByRole("region", { name: "Does not work" });
    await failed.getByText("Workers R2 Storage").first().waitFor();
    assert.equal(await failed.getByRole("listitem").count(), 1, await failed.innerText());
    await look(page, "console-doctor-failed");
    await poke("PUT", "lacks", {});
    content(page);
  });

  test("has a line for each act, and sees that the chain holds", async () => {
    await page.to("/admin/audit");
    const said = await page.locator("ol.audit").innerText();
    for (const act of ["invite.make", "tenant.retry", "tenant.change", "tenant.pause", "tenant.unpause", "tenant.suspend", "tenant.delete"]) {
      assert.ok(said.includes(act), act);
    }
    await page.getByRole("link", { name: "Check the chain" }).click();
    await page.getByText("The log holds").waitFor();
    await look(page, "console-audit");
    for (const path of ["/admin/releases", "/admin/sweeps"]) {
      await page.to(path);
      await look(page, `console-${path.split("/").at(-1)}`);
    }
    content(page);
  });

  test("stays open for whoever is signed in when Access changes its key", async () => {
    await poke("POST", "access/rotate");
    await page.to("/admin/audit");
    await page.getByRole("heading", { name: "Audit" }).waitFor();
    const other = await visit(browser, plane);
    await signIn(other, "operator@example.com");
    await other.getByRole("heading", { name: "Fleet" }).waitFor();
    content(other, 401);
    await other.context().close();
    content(page);
  });

  test("shows a viewer everything, and lets nothing be changed", async () => {
    const viewer = await visit(browser, plane);
    await signIn(viewer, "viewer@example.com");
    for (const path of ["/admin", "/admin/invites", "/admin/releases", "/admin/sweeps", "/admin/audit", "/admin/doctor"]) {
      await viewer.to(path);
      await viewer.getByText("viewer", { exact: true }).waitFor();
      assert.equal(await viewer.locator("form[method=post]").count(), 0, path);
    }
    await viewer.to("/admin/tenants/alice");
    assert.equal(await viewer.locator("form").count(), 0);
    await look(viewer, "console-viewer");
    const status = await viewer.evaluate(async () => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      return (await fetch("/admin/tenants/alice/act", { method: "POST", headers, body: "act=retry&generation=1" })).status;
    });
    assert.equal(status, 403);
    content(viewer, 401, 403);
    await viewer.context().close();
  });
});

describe("an operator without scripts", () => {
  test("comes in, finds a tenant and changes it", async () => {
    const page = await visit(browser, plane, ways.find((way) => !way.scripts));
    await signIn(page, "operator@example.com");
    await page.getByRole("row", { name: /alice/ }).getByRole("link", { name: "alice" }).click();
    await page.getByRole("button", { name: "Resume" }).click();
    await page.getByText("It is being started again.").waitFor();
    await look(page, "console-plain");
    content(page, 401);
    await page.context().close();
  });
});
