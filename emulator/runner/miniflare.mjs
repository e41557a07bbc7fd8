// The Miniflare that comes with the pinned wrangler, and what all instances of it here have in common.

import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const { Log, LogLevel, Miniflare } = createRequire(require.resolve("wrangler"))("miniflare");

class StderrLog extends Log {
  log(message) {
    process.stderr.write(`${message}\n`);
  }
}

/**
 * Starts an instance. `isolated` is where its Durable Objects live. Buckets are shared: the instance that was started first
 * keeps them for all (see storage.mjs), so that no two processes have one bucket's files open.
 */
export async function startMiniflare({ paths, isolated, workers }) {
  const [{ config }] = workers;
  let complaints = [];
  const instance = new Miniflare({
    host: "127.0.0.1",
    port: 0,
    cf: false,
    logRequests: false,
    log: new StderrLog(LogLevel.ERROR),
    handleStructuredLogs: ({ level, message }) => {
      complaints?.push(message);
      process.stderr.write(`[${config.name}] ${level}: ${message}\n`);
    },
    resourcePersistencePath: paths.storage,
    isolatedResourcePersistencePath: isolated,
    enableDevRegistry: true,
    unsafeDevRegistryPath: paths.registry,
    unsafeEnableSharedStorage: true,
    workers,
  });
  try {
    const url = await instance.ready;
    // workerd only warns; Cloudflare refuses the upload.
    const missing = complaints.find((message) => message.includes("no such Durable Object class is exported"));
    if (missing) throw new StartError(missing);
    return { instance, url };
  } catch (error) {
    await instance.dispose().catch(() => {});
    throw new StartError(complaints.join("\n") || error.message, { cause: error });
  } finally {
    complaints = null;
  }
}

/** The instance did not start; the message is what the runtime said, or Miniflare. */
export class StartError extends Error {}
