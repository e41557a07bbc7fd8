// One plane in the real Workers runtime, with local D1, Queue and R2 of its own, for a test that drives it.
//
// Takes one JSON object a line on standard input, `{"do": "start", ...}`, and answers each with one line,
// `{"ok": ...}` or `{"error": "..."}`. When its input ends it stops the runtime and ends, so that nothing outlives the
// test, however the test came to its end. Started from the root of the repository; see harness.rs beside it.

import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseEnv } from "node:util";

// Standard output carries answers only; whatever else is printed goes to standard error.
const answer = process.stdout.write.bind(process.stdout);
process.stdout.write = process.stderr.write.bind(process.stderr);

// Nothing is asked of the network that the test does not ask; the Makefile sets the same for its targets.
process.env.CLOUDFLARE_CF_FETCH_ENABLED = "false";
process.env.WRANGLER_SEND_METRICS = "false";

let server;
let url;

/** A plane; on storage that goes with it, unless `state` says where it lies. */
async function plane({ config, built, vars, state }) {
  if (state) return (await import("./kept.mjs")).kept({ config, built, vars, state });
  const { createTestHarness } = await import("wrangler");
  return createTestHarness({ workers: [{ configPath: config, prebuiltWorkerDir: built, vars }] });
}

/** The bindings of the running Worker. */
const env = () => server.getWorker().getEnv();

const actions = {
  /**
   * Starts the Worker built in `built`, set up as for development but for `vars`; answers with its address. Its storage
   * lies below `state`, where the next one finds it; without that it is gone at the end.
   */
  async start({ config = "wrangler.toml", built = "build", vars: changed = {}, state }) {
    const vars = { ...parseEnv(readFileSync("dev.vars", "utf8")), ...changed };
    server = await plane({ config, built, vars, state });
    ({ url } = await server.listen());
    return { url: url.href };
  },

  /** Applies the migrations to the database. */
  migrate: () => server.getWorker().applyD1Migrations("DB"),

  /** Sends a request over the network, as any client would. */
  async fetch({ method = "GET", path, headers = {}, body }) {
    // Left to ask for compression, the client would get a body whose length nobody knows beforehand.
    const asked = { "accept-encoding": "identity", ...headers };
    const response = await fetch(new URL(path, url), { method, headers: asked, body, redirect: "manual" });
    return { status: response.status, headers: [...response.headers], body: await response.text() };
  },

  /** Fires the cron trigger and waits for it. */
  cron: ({ cron = "* * * * *" }) => server.getWorker().scheduled({ cron }),

  /** Runs one statement on the database; answers with its rows. */
  async sql({ sql, args = [] }) {
    const { DB } = await env();
    const { results } = await DB.prepare(sql).bind(...args).all();
    return results;
  },

  /** Puts an object into the bucket of releases. */
  async put({ key, base64 }) {
    const { RELEASES } = await env();
    await RELEASES.put(key, Buffer.from(base64, "base64"));
  },

  /** What the Worker has logged so far. */
  logs: () => server.getLogs(),

  /** Stops the runtime. */
  stop: () => server?.close(),
};

for await (const line of createInterface({ input: process.stdin })) {
  let result;
  try {
    const { do: name, ...request } = JSON.parse(line);
    result = { ok: (await actions[name](request)) ?? null };
  } catch (error) {
    result = { error: error.stack ?? String(error) };
  }
  answer(`${JSON.stringify(result)}\n`);
}
await actions.stop();
process.exit();
