// Runs the sample's release for two tenants. Run with: node --test emulator/runner/*.test.mjs

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { request as httpRequest } from "node:http";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

const HERE = import.meta.dirname;
const REPOSITORY = path.resolve(HERE, "..", "..");
const scratch = mkdtempSync(path.join(os.tmpdir(), "runner-test-"));
const release = path.join(scratch, "release");
let manifest;
let runner;

before(async () => {
  const published = spawnSync(process.execPath, [path.join(REPOSITORY, "tools/publish-release.mjs"), path.join(REPOSITORY, "sample"), "--out", release]);
  assert.equal(published.status, 0, String(published.stderr));
  ({ manifest } = JSON.parse(readFileSync(path.join(release, "release.json"), "utf8")));
  runner = await start();
});

after(async () => {
  await runner?.end();
  rmSync(scratch, { recursive: true, force: true });
});

async function start(...args) {
  const child = spawn(process.execPath, [path.join(HERE, "runner.mjs"), "--state", path.join(scratch, "state"), ...args], { stdio: ["pipe", "pipe", "pipe"] });
  let log = "";
  child.stderr.on("data", (chunk) => (log += chunk));
  const exited = once(child, "exit");
  const ready = await Promise.race([once(child.stdout, "data"), exited.then(() => null)]);
  assert.ok(ready, log);
  const { control, tenants } = JSON.parse(ready[0]);
  const port = new URL(tenants).port;

  return {
    child,
    exited,
    async end() {
      child.stdin.end();
      return (await exited)[0];
    },
    async control(method, route, body) {
      const response = await fetch(control + route, { method, body });
      const text = await response.text();
      return { status: response.status, text, json: () => JSON.parse(text) };
    },
    async put(script, spec) {
      const { status, text } = await this.control("PUT", `/workers/${script}`, JSON.stringify(spec));
      assert.equal(status, 200, text);
    },
    fetch(script, route, { method = "GET", headers = {}, body } = {}) {
      return new Promise((resolve, reject) => {
        const options = { host: "127.0.0.1", port, path: route, method, headers: { host: `${script}.localhost:${port}`, ...headers } };
        const sent = httpRequest(options, (response) => {
          let text = "";
          response.setEncoding("utf8").on("data", (chunk) => (text += chunk)).on("error", reject);
          response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, text, json: () => JSON.parse(text) }));
        });
        sent.on("error", reject).end(body);
      });
    },
    setNote(script, note, headers = {}) {
      const form = { "content-type": "application/x-www-form-urlencoded", ...headers };
      return this.fetch(script, "/note", { method: "POST", headers: form, body: new URLSearchParams({ note }).toString() });
    },
    async status(script) {
      const response = await this.fetch(script, "/status");
      assert.equal(response.status, 200, response.text);
      return response.json();
    },
  };
}

function children(ofPid) {
  const { stdout } = spawnSync("ps", ["-eo", "pid=,ppid="], { encoding: "utf8" });
  const rows = stdout.trim().split("\n").map((line) => line.trim().split(/\s+/).map(Number));
  return rows.filter(([, parent]) => parent === ofPid).map(([pid]) => pid);
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function until(condition, what) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    if (condition()) return;
    await sleep(50);
  }
  assert.fail(`waited 5 s for: ${what}`);
}

function blob(hash) {
  return readFileSync(path.join(release, "blobs", hash)).toString("base64");
}

/** What the emulator sends for a tenant of the sample's release. */
function worker(tenant, changes = {}) {
  const { assets } = manifest;
  return {
    main_module: manifest.main_module,
    modules: manifest.modules.map(({ name, content_type, sha256 }) => ({ name, content_type, content_base64: blob(sha256) })),
    compatibility_date: manifest.compatibility_date,
    compatibility_flags: manifest.compatibility_flags,
    bindings: [
      { type: "plain_text", name: "ENVIRONMENT", text: tenant },
      { type: "secret_text", name: "ANTHROPIC_API_KEY", text: `key-of-${tenant}` },
      ...manifest.bindings.map((binding) => (binding.type === "r2_bucket" ? { ...binding, bucket_name: `data-${tenant}` } : binding)),
    ],
    durable_objects: [{ class_name: "Sandbox", sqlite: true, namespace_id: `namespace-of-${tenant}` }],
    assets: {
      config: assets.config,
      files: JSON.parse(readFileSync(path.join(release, "blobs", assets.manifest), "utf8")).map((file) => ({
        path: file.path,
        content_type: file.content_type,
        content_base64: blob(file.sha256),
      })),
    },
    crons: manifest.crons,
    enabled: true,
    ...changes,
  };
}

function code(text) {
  return [{ name: "index.js", content_type: "application/javascript+module", content_base64: Buffer.from(text).toString("base64") }];
}

test("two tenants have counters, notes, secrets and pages of their own", async () => {
  await Promise.all(["alice", "bob"].map((tenant) => runner.put(tenant, worker(tenant))));
  for (let view = 0; view < 3; view += 1) assert.equal((await runner.fetch("alice", "/")).status, 200);
  await runner.fetch("bob", "/");
  const saved = await runner.setNote("alice", "<b>héllo</b>");
  assert.equal(saved.status, 303);
  assert.equal(saved.headers.location, "/");

  const alice = await runner.status("alice");
  const bob = await runner.status("bob");
  assert.deepEqual([alice.environment, alice.counter, alice.note], ["alice", 3, "<b>héllo</b>"]);
  assert.deepEqual([bob.environment, bob.counter, bob.note], ["bob", 1, ""]);
  assert.deepEqual(alice.secrets, ["ANTHROPIC_API_KEY"]);

  const page = await runner.fetch("alice", "/");
  assert.match(page.text, /&lt;b&gt;héllo&lt;\/b&gt;/);
  assert.ok(!page.text.includes("key-of-alice") && !page.text.includes("<b>h"));
});

test("assets, their headers and the not-found page are served as wrangler would", async () => {
  const css = await runner.fetch("alice", "/app.css");
  assert.equal(css.status, 200);
  assert.match(css.headers["content-type"], /^text\/css/);
  assert.equal(css.headers["cache-control"], "public, max-age=3600");
  const missing = await runner.fetch("alice", "/nowhere");
  assert.match(missing.text, /Nothing here/);
  assert.equal((await runner.fetch("alice", "/README.md")).text, missing.text);
});

test("the sample refuses a note from another site, too long a note, and other methods", async () => {
  assert.equal((await runner.setNote("bob", "x", { origin: "http://evil.example" })).status, 403);
  assert.equal((await runner.setNote("bob", "x", { "sec-fetch-site": "cross-site" })).status, 403);
  assert.equal((await runner.setNote("bob", "é".repeat(1_001))).status, 413);
  assert.equal((await runner.setNote("bob", "x".repeat(100_000))).status, 413);
  assert.equal((await runner.fetch("bob", "/", { method: "DELETE" })).status, 405);
  assert.equal((await runner.status("bob")).note, "");
  assert.equal((await runner.setNote("bob", "é".repeat(1_000))).status, 303);
  assert.equal((await runner.status("bob")).note, "é".repeat(1_000));
});

test("the health route leaves the Durable Object alone", async () => {
  // Without the binding, all that touches the Durable Object fails.
  await runner.put("health", worker("health", { bindings: [{ type: "plain_text", name: "ENVIRONMENT", text: "health" }], durable_objects: [] }));
  const response = await runner.fetch("health", "/sandbox-health");
  assert.deepEqual(response.json(), { status: "ok", environment: "health" });
  assert.equal((await runner.fetch("health", "/status")).status, 500);
  await runner.control("DELETE", "/workers/health");
});

test("the control routes and the Worker see one bucket", async () => {
  const objects = "/buckets/data-alice/objects";
  const listed = (await runner.control("GET", `${objects}?prefix=note`)).json();
  assert.equal(listed.cursor, null);
  assert.deepEqual(
    listed.objects.map(({ key, size, content_type }) => ({ key, size, content_type })),
    [{ key: "note.txt", size: Buffer.byteLength("<b>héllo</b>"), content_type: "text/plain; charset=utf-8" }],
  );
  assert.ok(Math.abs(Date.now() - listed.objects[0].uploaded) < 60_000);

  assert.equal((await runner.control("PUT", `${objects}/note.txt`, "from the plane")).status, 200);
  assert.equal((await runner.status("alice")).note, "from the plane");
  assert.equal((await runner.control("PUT", `${objects}/a/b%20c.txt`, "deep")).status, 200);
  assert.equal((await runner.control("GET", `${objects}/a/b%20c.txt`)).text, "deep");

  const keys = [];
  for (let cursor = ""; cursor !== null; ) {
    const page = (await runner.control("GET", `${objects}?limit=1&cursor=${encodeURIComponent(cursor)}`)).json();
    keys.push(...page.objects.map(({ key }) => key));
    cursor = page.cursor;
  }
  assert.deepEqual(keys, ["a/b c.txt", "note.txt"]);
  const later = (await runner.control("GET", `${objects}?start_after=b`)).json();
  assert.deepEqual(later.objects.map(({ key }) => key), ["note.txt"]);

  assert.equal((await runner.control("DELETE", `${objects}/a/b%20c.txt`)).status, 200);
  assert.equal((await runner.control("GET", `${objects}/a/b%20c.txt`)).status, 404);
  assert.deepEqual((await runner.control("GET", "/buckets/data-nobody/objects")).json(), { objects: [], cursor: null });
});

test("a scheduled event reaches the Worker, which writes to its bucket", async () => {
  const ran = await runner.control("POST", `/workers/alice/scheduled?cron=${encodeURIComponent("*/5 * * * *")}`);
  assert.deepEqual(ran.json(), { outcome: "ok" });
  assert.equal((await runner.status("alice")).last_tick.cron, "*/5 * * * *");
  assert.equal((await runner.control("POST", "/workers/nobody/scheduled")).status, 404);
});

test("a Worker that does not start is refused with the reason, and the one before keeps serving", async () => {
  const broken = await runner.control("PUT", "/workers/alice", JSON.stringify(worker("alice", { modules: code("throw new Error('boom');") })));
  assert.equal(broken.status, 400);
  assert.match(broken.json().error, /boom/);
  const unexported = worker("alice", { modules: code("export default { fetch() { return new Response('new'); } };") });
  const refused = await runner.control("PUT", "/workers/alice", JSON.stringify(unexported));
  assert.equal(refused.status, 400);
  assert.match(refused.json().error, /Sandbox/);
  const outside = { config: {}, files: [{ path: "/../../outside.txt", content_type: "text/plain", content_base64: "" }] };
  assert.equal((await runner.control("PUT", "/workers/alice", JSON.stringify(worker("alice", { assets: outside })))).status, 400);
  assert.equal((await runner.control("PUT", "/workers/alice", "{")).status, 400);

  const before = await runner.status("alice");
  assert.equal(before.environment, "alice");
  assert.equal((await runner.fetch("alice", "/app.css")).status, 200);
});

test("a change of one tenant lets its own requests end and does not touch the others'", async () => {
  const slow = "export default { async fetch() { await new Promise((go) => setTimeout(go, 1500)); return new Response('VERSION'); } };";
  const version = (name) => ({ bindings: [], durable_objects: [], assets: null, modules: code(slow.replace("VERSION", name)) });
  await runner.put("carol", worker("carol", version("one")));
  await runner.fetch("carol", "/");
  const underWay = runner.fetch("carol", "/");
  const others = Promise.all(Array.from({ length: 20 }, () => runner.status("bob")));
  await runner.put("carol", worker("carol", version("two")));
  assert.equal((await underWay).text, "one");
  assert.equal((await runner.fetch("carol", "/")).text, "two");
  assert.equal((await others).length, 20);
  await runner.control("DELETE", "/workers/carol");
});

test("a Worker that is off answers 404 outside and keeps its data", async () => {
  await runner.fetch("bob", "/");
  const { counter } = await runner.status("bob");
  await runner.put("bob", worker("bob", { enabled: false }));
  assert.equal((await runner.fetch("bob", "/status")).status, 404);
  await runner.put("bob", worker("bob"));
  assert.equal((await runner.status("bob")).counter, counter);
  assert.equal((await runner.fetch("nobody", "/")).status, 404);
});

test("after a restart the data is there, and few may run at once without anybody noticing", async () => {
  const seen = await Promise.all(["alice", "bob"].map((tenant) => runner.status(tenant)));
  assert.ok(seen.every(({ counter }) => counter > 0));
  assert.equal(await runner.end(), 0);

  runner = await start("--max-running", "1");
  assert.equal((await runner.fetch("alice", "/status")).status, 404);
  for (const tenant of ["alice", "bob"]) await runner.put(tenant, worker(tenant));
  for (const round of [1, 2]) {
    assert.deepEqual(await Promise.all(["alice", "bob"].map((tenant) => runner.status(tenant))), seen, `round ${round}`);
    for (const [index, tenant] of ["alice", "bob"].entries()) assert.deepEqual(await runner.status(tenant), seen[index]);
  }
  // The one that keeps the buckets, and one tenant's.
  await until(() => children(runner.child.pid).length === 2, "one tenant's process");
});

test("deleting a Worker drops its counter, deleting a bucket its objects, and neither touches the other tenant", async () => {
  const bob = await runner.status("bob");
  const { note } = await runner.status("alice");
  assert.equal((await runner.control("DELETE", "/workers/alice")).status, 200);
  assert.equal((await runner.control("DELETE", "/workers/alice")).status, 200);
  assert.equal((await runner.fetch("alice", "/status")).status, 404);
  await runner.put("alice", worker("alice"));
  const again = await runner.status("alice");
  assert.deepEqual([again.counter, again.note], [0, note]);

  assert.equal((await runner.control("DELETE", "/buckets/data-alice")).status, 200);
  assert.equal((await runner.status("alice")).note, "");
  assert.deepEqual((await runner.control("GET", "/buckets/data-alice/objects")).json().objects, []);
  assert.deepEqual(await runner.status("bob"), bob);
});

test("it ends on SIGTERM, with every process that it started", async () => {
  const started = children(runner.child.pid);
  assert.ok(started.length >= 2, String(started));
  runner.child.kill("SIGTERM");
  const [code] = await runner.exited;
  // Miniflare handles the signal too, and ends the process with 128 + 15 when it is first.
  assert.ok([0, 143].includes(code), String(code));
  await until(() => started.every((pid) => !isAlive(pid)), "no process left");
});
