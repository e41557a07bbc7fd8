// The sample tenant Worker. It shows that a tenant's resources are there and are its own: the variable, the secrets (names,
// never values), the Durable Object (a counter) and the bucket (a note). No container is needed to run it.
//
//   GET  /                page; raises the counter
//   GET  /status          the same as JSON; raises nothing
//   POST /note            form field `note`; at most 2,000 bytes; same-origin only
//   GET  /sandbox-health  liveness; must not wake the Durable Object, for the plane may poll it
//   GET  /favicon.png     from a data module
//   else                  static assets

import { Buffer } from "node:buffer";
import { checksum } from "./checksum.js";
import icon from "./icon.png";
import { renderPage } from "./page.js";
import { secretNames, sleepAfter } from "./settings.js";

export { Sandbox } from "./sandbox.js";

const NOTE_KEY = "note.txt";
const TICK_KEY = "last-tick.json";
const NOTE_MAX_BYTES = 2_000;
// A form escapes each byte to at most three characters; the rest is the field's name.
const FORM_MAX_BYTES = 3 * NOTE_MAX_BYTES + 100;

export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    const read = request.method === "GET" || request.method === "HEAD";
    if (pathname === "/sandbox-health") return json({ status: "ok", environment: env.ENVIRONMENT });
    if (pathname === "/note") return request.method === "POST" ? saveNote(request, env) : plain(405, "Use POST.", { allow: "POST" });
    if (!read) return plain(405, "Use GET.", { allow: "GET, HEAD" });
    if (pathname === "/") return html(renderPage(await status(env, "view")));
    if (pathname === "/status") return json(await status(env, "look"));
    if (pathname === "/favicon.png") return new Response(icon, { headers: { "content-type": "image/png" } });
    return env.ASSETS.fetch(request);
  },

  async scheduled(event, env) {
    const tick = { cron: event.cron, scheduled_time_ms: event.scheduledTime };
    await env.MOLTBOT_BUCKET.put(TICK_KEY, JSON.stringify(tick), { httpMetadata: { contentType: "application/json" } });
  },
};

async function status(env, how) {
  const sandbox = env.Sandbox.get(env.Sandbox.idFromName("moltbot"));
  const [counter, note, tick] = await Promise.all([
    how === "view" ? sandbox.view() : sandbox.views(),
    env.MOLTBOT_BUCKET.get(NOTE_KEY).then((object) => object?.text() ?? ""),
    env.MOLTBOT_BUCKET.get(TICK_KEY).then((object) => object?.json() ?? null),
  ]);
  return {
    environment: env.ENVIRONMENT ?? null,
    secrets: secretNames(env),
    sleep_after: sleepAfter(env),
    counter,
    note,
    note_checksum: checksum(note),
    last_tick: tick,
  };
}

async function saveNote(request, env) {
  if (!sameOrigin(request)) return plain(403, "The note can only be changed from this Worker's own page.");
  if (!isForm(request)) return plain(415, "Send the note as a form.");
  const body = await readAtMost(request, FORM_MAX_BYTES);
  if (body === null) return plain(413, `The note may have at most ${NOTE_MAX_BYTES} bytes.`);
  const note = new URLSearchParams(body).get("note");
  if (note === null) return plain(400, "The form has no field named note.");
  if (Buffer.byteLength(note) > NOTE_MAX_BYTES) return plain(413, `The note may have at most ${NOTE_MAX_BYTES} bytes.`);
  await env.MOLTBOT_BUCKET.put(NOTE_KEY, note, { httpMetadata: { contentType: "text/plain; charset=utf-8" } });
  return new Response(null, { status: 303, headers: { location: "/" } });
}

// A browser names the page that a form was sent from; a client that names none (curl) carries nobody's cookies.
function sameOrigin(request) {
  const site = request.headers.get("sec-fetch-site");
  if (site !== null) return site === "same-origin" || site === "none";
  const origin = request.headers.get("origin");
  return origin === null || (URL.canParse(origin) && new URL(origin).host === new URL(request.url).host);
}

function isForm(request) {
  return (request.headers.get("content-type") ?? "").split(";")[0].trim().toLowerCase() === "application/x-www-form-urlencoded";
}

// The declared length cannot be trusted, so what arrives is counted. Null means too long: the rest is read all the same and
// not kept, for a connection that is closed while the client still writes may be reset, and the answer lost with it.
async function readAtMost(request, maxBytes) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    if (size <= maxBytes) chunks.push(chunk);
  }
  return size <= maxBytes ? Buffer.concat(chunks).toString("utf8") : null;
}

const SECURITY_HEADERS = {
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
};

function html(text) {
  return new Response(text, { headers: { ...SECURITY_HEADERS, "content-type": "text/html; charset=utf-8" } });
}

function json(value) {
  return Response.json(value, { headers: SECURITY_HEADERS });
}

function plain(status, text, headers = {}) {
  return new Response(`${text}\n`, { status, headers: { ...SECURITY_HEADERS, "content-type": "text/plain; charset=utf-8", ...headers } });
}
