// Finds out what `wrangler deploy` uploads for a project, by letting it deploy to a recorder on loopback.
//
// `--dry-run --outfile` writes the modules too, but leaves out what a release also needs: Durable Object migrations, the
// assets' configuration (with _headers and _redirects), and the assets themselves with wrangler's own hashes, content types
// and reading of .assetsignore. All that is in the requests of a real deploy, up to the script upload, which the recorder refuses.
//
// What must hold: nothing leaves this machine. The base URL points at the recorder and the token is not one.

import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import os from "node:os";
import path from "node:path";
import { PublishError } from "./error.mjs";
import { runWrangler } from "./wrangler.mjs";

const NO_ACCOUNT = "0".repeat(32);
// Neither a whole site in one request, nor a request per file.
const ASSETS_PER_UPLOAD = 50;

/** `{ metadata, modules: [{name, content_type, content}], assets: [{path, hash, content_type, content}] }` */
export async function recordDeploy({ projectDir, configFile, config }) {
  const temporary = await mkdtemp(path.join(os.tmpdir(), "release-"));
  const recording = { upload: null, manifest: {}, files: new Map() };
  const server = createServer((request, response) => answer(request, response, recording));
  try {
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    // The project's own .env could name another account or token; an empty file keeps it out.
    const envFile = path.join(temporary, "empty.env");
    await writeFile(envFile, "");
    const args = ["deploy", "--containers-rollout", "none", "--env-file", envFile, "--autoconfig", "false"];
    if (configFile) args.push("--config", configFile);
    const env = environment(server.address().port, accountOf(config), temporary);
    const { output } = await runWrangler(args, { cwd: projectDir, env });
    if (!recording.upload) throw new PublishError(`wrangler could not bundle ${projectDir}:\n\n${output}`);
    return { ...recording.upload, assets: assets(recording) };
  } finally {
    server.closeAllConnections();
    server.close();
    await rm(temporary, { recursive: true, force: true });
  }
}

// wrangler refuses an image of another account than the one it deploys to.
function accountOf({ containers, account_id }) {
  const account = /^registry\.cloudflare\.com\/([0-9a-f]{32})\//.exec(containers?.[0]?.image ?? "")?.[1];
  return account ?? account_id ?? NO_ACCOUNT;
}

function environment(port, account, logs) {
  return {
    CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}/client/v4`,
    CLOUDFLARE_ACCOUNT_ID: account,
    CLOUDFLARE_API_TOKEN: "recorder",
    CLOUDFLARE_API_KEY: undefined,
    CLOUDFLARE_EMAIL: undefined,
    CLOUDFLARE_ENV: undefined,
    WRANGLER_LOG_PATH: logs,
  };
}

function assets({ manifest, files }) {
  return Object.entries(manifest).map(([assetPath, { hash }]) => {
    const file = files.get(hash);
    if (!file) throw new Error(`wrangler listed the asset ${assetPath} and did not upload it`);
    return { path: assetPath, hash, ...file };
  });
}

// A Worker that does not exist yet, in an account where everything that it binds does.
async function answer(request, response, recording) {
  const body = await readBody(request);
  const route = new URL(request.url, "http://recorder").pathname.replace(/^\/client\/v4(\/accounts\/[^/]+)?/, "");
  const is = (method, pattern) => request.method === method && pattern.test(route);

  if (is("GET", /^\/workers\/services\/[^/]+$/)) return fail(response, 404, 10090, "This Worker does not exist on your account.");
  if (is("GET", /^\/workers\/subdomain$/)) return succeed(response, { subdomain: "recorder" });
  if (is("GET", /^\/r2\/buckets\/[^/]+$/)) return succeed(response, { name: decodeURIComponent(route.split("/")[3]) });
  if (is("POST", /^\/workers\/scripts\/[^/]+\/assets-upload-session$/)) {
    recording.manifest = JSON.parse(body).manifest;
    return succeed(response, { jwt: "session", buckets: buckets(recording.manifest) });
  }
  if (is("POST", /^\/workers\/assets\/upload$/)) {
    const uploaded = await readAssets(request, body);
    for (const [hash, file] of uploaded) recording.files.set(hash, file);
    return succeed(response, { jwt: "complete" });
  }
  if (is("PUT", /^\/workers\/scripts\/[^/]+$/)) {
    recording.upload = await readUpload(request.headers["content-type"], body);
    return fail(response, 400, 10001, "Recorded; nothing is deployed.");
  }
  return fail(response, 404, 10007, `The recorder knows nothing at ${request.method} ${route}.`);
}

function buckets(manifest) {
  const hashes = [...new Set(Object.values(manifest).map(({ hash }) => hash))];
  return Array.from({ length: Math.ceil(hashes.length / ASSETS_PER_UPLOAD) }, (_, index) =>
    hashes.slice(index * ASSETS_PER_UPLOAD, (index + 1) * ASSETS_PER_UPLOAD),
  );
}

/** Reads wrangler's upload form; also what `--outfile` writes. */
export async function readUpload(contentType, body) {
  const form = await new Response(body, { headers: { "content-type": contentType } }).formData();
  const metadata = JSON.parse(form.get("metadata"));
  const modules = [];
  for (const [name, part] of form) {
    if (typeof part === "string") continue;
    modules.push({ name, content_type: part.type, content: Buffer.from(await part.arrayBuffer()) });
  }
  return { metadata, modules };
}

async function readAssets(request, body) {
  const form = await new Response(body, { headers: { "content-type": request.headers["content-type"] } }).formData();
  return Promise.all(
    [...form].map(async ([hash, part]) => [hash, { content_type: part.type, content: Buffer.from(await part.text(), "base64") }]),
  );
}

async function readBody(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function succeed(response, result) {
  reply(response, 200, { success: true, errors: [], messages: [], result });
}

function fail(response, status, code, message) {
  reply(response, status, { success: false, errors: [{ code, message }], messages: [], result: null });
}

function reply(response, status, envelope) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(envelope));
}
