// Runs the tenants' Workers for real, in workerd, for the emulator. The emulator starts it and speaks its control protocol.
//
//   node runner.mjs --state DIR [--max-running N]
//
// Prints one line of JSON on stdout when ready: {"control": "http://…", "tenants": "http://…"}. Everything else goes to stderr.
//
// What must hold:
// - it ends, with every workerd that it started, when stdin closes or on SIGTERM; so nothing outlives the emulator;
// - objects and Durable Object data survive in DIR; Workers do not, the emulator sends them again after a restart;
// - one tenant's change, failure or load does not disturb another: each has a workerd of its own (see tenants.mjs).

import { once } from "node:events";
import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import { parseArgs } from "node:util";
import { controlServer } from "./control.mjs";
import { frontServer } from "./front.mjs";
import { Storage } from "./storage.mjs";
import { Tenants } from "./tenants.mjs";

// Miniflare and the Workers log by console; stdout is the emulator's.
console.log = console.info = console.debug = console.error;

const { values } = parseArgs({ options: { state: { type: "string" }, "max-running": { type: "string", default: "16" } } });
if (!values.state) {
  console.error("usage: node runner.mjs --state DIR [--max-running N]");
  process.exit(2);
}

const state = path.resolve(values.state);
const paths = { storage: path.join(state, "storage"), registry: path.join(state, "registry"), tenants: path.join(state, "tenants") };
// What an earlier run left here would name processes that are gone.
await rm(paths.registry, { recursive: true, force: true });
for (const directory of Object.values(paths)) await mkdir(directory, { recursive: true });

const storage = new Storage(paths);
const tenants = new Tenants({ paths, maxRunning: Number(values["max-running"]) });
let ending = false;
process.stdin.on("end", end).on("close", end).on("error", end).resume();
process.on("SIGTERM", end).on("SIGINT", end);

await storage.start();
const control = await listen(controlServer({ tenants, storage }));
const front = await listen(frontServer(tenants));
process.stdout.write(`${JSON.stringify({ control, tenants: front })}\n`);

async function listen(server) {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${server.address().port}`;
}

// On a signal Miniflare may be first: it kills its workerds and ends the process with 143. Storage survives that as it does a crash.
async function end() {
  if (ending) return;
  ending = true;
  // A workerd that does not let go must not keep the runner.
  setTimeout(() => process.exit(1), 5_000).unref();
  await Promise.allSettled([tenants.stop(), storage.stop()]);
  process.exit(0);
}
