// The plane on storage that outlives it: what wrangler's test harness does, which keeps nothing, as far as it is used here.
//
// Miniflare by itself: loading wrangler takes longer than starting the runtime, so what wrangler makes of its configuration
// rests beside the storage for the next start. Requests of the Worker go straight out of workerd, so that they end with it.

import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";

const require = createRequire(import.meta.url);
const { Log, LogLevel, Miniflare, convertV4MiniflareOptions } = createRequire(require.resolve("wrangler"))("miniflare");

/** Starts the Worker built in `built` on the storage below `state`; a new folder is a plane whose database is empty. */
export function kept({ config, built, vars, state }) {
  const settings = path.join(state, "worker.json");
  const logs = [];
  let plane;

  async function workerOptions() {
    if (!existsSync(settings)) {
      const { unstable_getMiniflareWorkerOptions: read } = await import("wrangler");
      // How modules are found by their names is not carried over: the build's two are named below.
      const { modulesRules, ...worker } = read(config).workerOptions;
      writeFileSync(settings, JSON.stringify(worker));
    }
    return JSON.parse(readFileSync(settings, "utf8"));
  }

  return {
    async listen() {
      const worker = await workerOptions();
      plane = new Miniflare(
        convertV4MiniflareOptions({
          host: "127.0.0.1",
          port: 0,
          cf: false,
          logRequests: false,
          log: new Log(LogLevel.NONE),
          handleStructuredLogs: (entry) => logs.push(entry),
          unsafeTriggerHandlers: true,
          resourcePersistencePath: path.join(state, "storage"),
          workers: [
            {
              ...worker,
              name: "plane",
              bindings: { ...worker.bindings, ...vars },
              modulesRoot: built,
              modules: [
                { type: "ESModule", path: path.join(built, "index.js") },
                { type: "CompiledWasm", path: path.join(built, "index_bg.wasm") },
              ],
            },
          ],
        }),
      );
      return { url: await plane.ready };
    },

    getWorker: () => ({
      getEnv: () => plane.getBindings(),

      async scheduled({ cron }) {
        const query = new URLSearchParams({ cron, format: "json" });
        const response = await plane.dispatchFetch(`http://localhost/cdn-cgi/local/scheduled?${query}`);
        return response.json();
      },

      /** Every one of them: on a database that has none yet. */
      async applyD1Migrations(binding) {
        const { unstable_splitSqlQuery: split } = await import("wrangler");
        const { [binding]: database } = await plane.getBindings();
        for (const file of readdirSync("migrations").sort()) {
          const statements = split(readFileSync(path.join("migrations", file), "utf8"));
          await database.batch(statements.map((statement) => database.prepare(statement)));
        }
      },
    }),

    getLogs: () => logs,
    close: () => plane?.dispose(),
  };
}
