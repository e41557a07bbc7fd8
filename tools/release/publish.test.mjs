// Publishes the sample and broken variants of it. Run with: node --test tools/release/*.test.mjs

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { readUpload } from "./record.mjs";
import { runWrangler } from "./wrangler.mjs";

const REPOSITORY = path.resolve(import.meta.dirname, "..", "..");
const SAMPLE = path.join(REPOSITORY, "sample");
let scratch;
let sample;

before(async () => {
  scratch = await mkdtemp(path.join(os.tmpdir(), "publish-test-"));
  sample = await publishToDirectory(SAMPLE, "sample");
});
after(() => rm(scratch, { recursive: true, force: true }));

function publish(...args) {
  return new Promise((resolve, reject) => {
    const script = path.join(REPOSITORY, "tools", "publish-release.mjs");
    const child = spawn(process.execPath, [script, ...args], { cwd: scratch, stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.on("data", (chunk) => (stdout += chunk));
    child.stderr.on("data", (chunk) => (stderr += chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, stdout: stdout.trim(), stderr }));
  });
}

async function publishToDirectory(project, out, ...args) {
  const directory = path.join(scratch, out);
  const { code, stdout, stderr } = await publish(project, "--out", directory, ...args);
  assert.equal(code, 0, stderr);
  const { id, manifest } = JSON.parse(await readFile(path.join(directory, "release.json"), "utf8"));
  assert.equal(stdout, id);
  const blob = (hash) => readFile(path.join(directory, "blobs", hash));
  return { id, manifest, blob, directory, stderr };
}

/** A copy of the sample whose configuration `change` has altered. */
async function variant(name, change) {
  const directory = path.join(scratch, `project-${name}`);
  await cp(SAMPLE, directory, { recursive: true, filter: (file) => path.basename(file) !== ".wrangler" });
  const file = path.join(directory, "wrangler.jsonc");
  const text = await readFile(file, "utf8");
  const config = JSON.parse(text.replace(/^\s*\/\/.*$/gm, ""));
  await writeFile(file, JSON.stringify(change(config, directory) ?? config));
  return directory;
}

async function refusal(...args) {
  const { code, stderr } = await publish(...args, "--out", path.join(scratch, "refused"));
  assert.equal(code, 1, stderr);
  return stderr;
}

test("the modules are those that wrangler uploads: names, content types and bytes", async () => {
  const outfile = path.join(scratch, "upload.form");
  const { code, output } = await runWrangler(["deploy", "--dry-run", "--outfile", outfile], { cwd: SAMPLE });
  assert.equal(code, 0, output);
  const form = await readFile(outfile);
  const boundary = form.subarray(2, form.indexOf("\r\n")).toString();
  const { metadata, modules } = await readUpload(`multipart/form-data; boundary=${boundary}`, form);

  const summary = (list) => list.map(({ name, content_type }) => `${name} ${content_type}`).sort();
  assert.deepEqual(summary(sample.manifest.modules), summary(modules));
  assert.deepEqual(
    sample.manifest.modules.map(({ content_type }) => content_type).sort(),
    ["application/javascript+module", "application/octet-stream", "application/source-map", "application/wasm", "text/plain"],
  );
  assert.equal(sample.manifest.main_module, metadata.main_module);
  for (const { name, sha256, size } of sample.manifest.modules) {
    const stored = await sample.blob(sha256);
    assert.equal(stored.length, size);
    assert.ok(stored.equals(modules.find((module) => module.name === name).content), name);
  }
});

test("the manifest holds what a tenant has in common with the others and leaves out what is its own", () => {
  const { manifest } = sample;
  assert.deepEqual(manifest.bindings, [
    { name: "Sandbox", type: "durable_object_namespace", class_name: "Sandbox" },
    { name: "MOLTBOT_BUCKET", type: "r2_bucket" },
    { name: "BROWSER", type: "browser" },
    { name: "ASSETS", type: "assets" },
  ]);
  assert.deepEqual(manifest.container, {
    class_name: "Sandbox",
    image: "registry.cloudflare.com/0123456789abcdef0123456789abcdef/openclaw-sandbox:v1",
  });
  assert.deepEqual(manifest.migrations, [{ tag: "v1", new_sqlite_classes: ["Sandbox"] }]);
  assert.deepEqual(manifest.crons, ["*/5 * * * *"]);
  assert.deepEqual(manifest.compatibility_flags, ["nodejs_compat"]);
  assert.deepEqual(manifest.observability, { enabled: true });
  assert.equal(manifest.source.main, "src/index.js");
  assert.equal(manifest.source.assets_directory, "public");
  assert.deepEqual(Object.keys(manifest.source.build), ["rules", "upload_source_maps"]);
  assert.equal(manifest.profile.gateway_token, "CLAWDBOT_GATEWAY_TOKEN");
  assert.deepEqual(manifest.profile.together, [["R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "CF_ACCOUNT_ID"]]);
});

test("the assets are those that wrangler uploads, without what .assetsignore names", async () => {
  const { assets } = sample.manifest;
  const list = JSON.parse(await sample.blob(assets.manifest));
  assert.deepEqual(
    list.map(({ path: file, content_type }) => [file, content_type]),
    [
      ["/app.css", "text/css; charset=utf-8"],
      ["/index.html", "text/html; charset=utf-8"],
      ["/robots.txt", "text/plain; charset=utf-8"],
    ],
  );
  for (const { path: file, hash, sha256, size } of list) {
    const original = await readFile(path.join(SAMPLE, "public", file));
    assert.ok((await sample.blob(sha256)).equals(original), file);
    assert.equal(size, original.length);
    assert.match(hash, /^[0-9a-f]{32}$/);
  }
  assert.equal(assets.files, 3);
  assert.equal(assets.bytes, list.reduce((total, { size }) => total + size, 0));
  assert.deepEqual(
    { html: assets.config.html_handling, missing: assets.config.not_found_handling, first: assets.config.run_worker_first },
    { html: "auto-trailing-slash", missing: "single-page-application", first: true },
  );
  assert.match(assets.config._headers, /max-age=3600/);
});

test("every blob has the name of its content, and none is left over", async () => {
  const { manifest, directory, blob } = sample;
  const list = JSON.parse(await blob(manifest.assets.manifest));
  const named = new Set([manifest.assets.manifest, ...manifest.modules.map((module) => module.sha256), ...list.map((file) => file.sha256)]);
  const stored = await readdir(path.join(directory, "blobs"));
  assert.deepEqual(stored.sort(), [...named].sort());
  for (const name of stored) assert.equal(createHash("sha256").update(await blob(name)).digest("hex"), name);
});

test("the same project gives the same release, a changed one another, and neither names a path of this machine", async () => {
  for (const { sha256 } of sample.manifest.modules) assert.ok(!(await sample.blob(sha256)).includes(REPOSITORY.slice(1)));
  assert.equal((await publishToDirectory(SAMPLE, "again")).id, sample.id);
  const changed = await variant("changed", (config) => void (config.triggers.crons = ["*/10 * * * *"]));
  assert.notEqual((await publishToDirectory(changed, "changed")).id, sample.id);
});

test("a Dockerfile is refused with the way out, and --image is it", async () => {
  const project = await variant("dockerfile", (config, directory) => {
    config.containers[0].image = "./Dockerfile";
    return config;
  });
  await writeFile(path.join(project, "Dockerfile"), "FROM scratch\n");
  assert.match(await refusal(project), /Dockerfile.*--image/s);
  const { manifest } = await publishToDirectory(project, "image", "--image", "registry.cloudflare.com/0123456789abcdef0123456789abcdef/other:v2");
  assert.equal(manifest.container.image, "registry.cloudflare.com/0123456789abcdef0123456789abcdef/other:v2");
  assert.match(await refusal(project, "--image", "registry.cloudflare.com/0123456789abcdef0123456789abcdef/other"), /no tag/);
});

test("the moltworker profile takes its own names and leaves its bucket variable to the plane", async () => {
  const project = await variant("moltworker", (config) => {
    config.vars = { ENVIRONMENT: "x", R2_BUCKET_NAME: "moltbot-data", GREETING: "hello", WORKER_URL: "https://example.com" };
  });
  const { manifest, stderr } = await publishToDirectory(project, "moltworker", "--profile", "moltworker");
  assert.equal(manifest.profile.gateway_token, "MOLTBOT_GATEWAY_TOKEN");
  const variables = manifest.bindings.filter(({ type }) => type === "plain_text");
  assert.deepEqual(variables, [{ name: "GREETING", type: "plain_text", text: "hello" }]);
  assert.match(stderr, /WORKER_URL is left out/);
});

test("a binding of one account is carried, with a warning", async () => {
  const project = await variant("kv", (config) => void (config.kv_namespaces = [{ binding: "CACHE", id: "0".repeat(32) }]));
  const { manifest, stderr } = await publishToDirectory(project, "kv");
  assert.ok(manifest.bindings.some(({ type, name }) => type === "kv_namespace" && name === "CACHE"));
  assert.match(stderr, /CACHE \(kv_namespace\)/);
});

test("what cannot be a release is refused with what to do", async () => {
  const empty = path.join(scratch, "empty");
  await mkdir(empty, { recursive: true });
  assert.match(await refusal(empty), /no wrangler\.json.*--config/s);
  assert.match(await refusal(path.join(scratch, "nowhere")), /no directory/);
  assert.match(await refusal(SAMPLE, "--profile", "nobody"), /guide, moltworker/);

  const none = await variant("none", (config) => void delete config.containers);
  assert.match(await refusal(none), /no container/);
  const two = await variant("two", (config) => {
    config.containers.push({ ...config.containers[0], class_name: "Other", name: "other" });
    config.migrations[0].new_sqlite_classes.push("Other");
    config.durable_objects.bindings.push({ name: "Other", class_name: "Other" });
  });
  assert.match(await refusal(two), /2 containers \(Sandbox, Other\)/);
  const open = await variant("open", (config) => void (config.vars.DEV_MODE = "true"));
  assert.match(await refusal(open), /DEV_MODE switches off/);
  const broken = await variant("broken", () => {});
  await writeFile(path.join(broken, "src", "page.js"), "export {\n");
  assert.match(await refusal(broken), /could not bundle.*page\.js/s);
});

test("published locally, the row is in the database, the blobs are in the bucket, and a second time changes nothing", async () => {
  const plane = path.join(scratch, "plane");
  const state = path.join(plane, "state");
  const config = path.join(plane, "wrangler.json");
  await mkdir(plane, { recursive: true });
  await writeFile(
    config,
    JSON.stringify({
      name: "plane",
      compatibility_date: "2025-05-06",
      d1_databases: [{ binding: "DB", database_name: "plane", database_id: "00000000-0000-0000-0000-000000000000" }],
      r2_buckets: [{ binding: "RELEASES", bucket_name: "paramita-releases" }],
    }),
  );
  const where = ["--local", "--persist-to", state, "--config", config];
  const sql = async (command) => {
    const { code, output } = await runWrangler(["d1", "execute", "DB", "--json", "--command", command, ...where], { cwd: plane });
    assert.equal(code, 0, output);
    return JSON.parse(output.slice(output.indexOf("[")))[0].results;
  };
  const store = () => publish(SAMPLE, "--local", "--persist-to", state, "--plane-config", config);

  const early = await store();
  assert.equal(early.code, 1);
  assert.match(early.stderr, /migrations/);

  await sql("CREATE TABLE release (id TEXT PRIMARY KEY, manifest TEXT NOT NULL, created_at_ms INTEGER NOT NULL, default_since_ms INTEGER)");
  const stored = await store();
  assert.equal(stored.code, 0, stored.stderr);
  const rows = await sql("SELECT * FROM release");
  assert.equal(rows.length, 1);
  assert.equal(rows[0].id, sample.id);
  assert.equal(`rel_${createHash("sha256").update(rows[0].manifest).digest("hex").slice(0, 16)}`, sample.id);
  assert.deepEqual(JSON.parse(rows[0].manifest), sample.manifest);
  assert.ok(rows[0].default_since_ms > 0);

  const [module] = sample.manifest.modules;
  const file = path.join(plane, "blob");
  const got = await runWrangler(["r2", "object", "get", `paramita-releases/blobs/${module.sha256}`, "--file", file, ...where], { cwd: plane });
  assert.equal(got.code, 0, got.output);
  assert.ok((await readFile(file)).equals(await sample.blob(module.sha256)));

  assert.equal((await store()).code, 0);
  assert.deepEqual(await sql("SELECT * FROM release"), rows);
});
