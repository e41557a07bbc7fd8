// The real plane as `make dev` runs it, on ports and state of its own: the deployed build in the Workers runtime with
// D1, Queue and R2, and the emulator as its far side.

import { fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** Starting takes some 15 seconds once all is built; while others build, its own build waits for theirs. */
const startLimitMs = 10 * 60_000;
const endLimitMs = 20_000;

/** Starts it. `url` is the plane's address, `emulator` the far side's; `close` ends everything and keeps nothing. */
export async function startPlane() {
  const [planePort, emulatorPort] = await freePorts(2);
  const state = await mkdtemp(path.join(tmpdir(), "plane-"));
  const child = fork("tools/dev.mjs", {
    env: {
      ...process.env,
      PATH: [path.resolve("node_modules/.bin"), path.resolve(".tools/bin"), process.env.PATH].join(path.delimiter),
      PLANE_PORT: String(planePort),
      EMULATOR_PORT: String(emulatorPort),
      DEV_STATE: state,
      WORKER: "release",
    },
    silent: true,
  });
  const printed = [];
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => printed.push(data));

  async function close() {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, "exit", { signal: AbortSignal.timeout(endLimitMs) });
      child.disconnect();
      await ended.catch(() => child.kill("SIGKILL"));
    }
    await rm(state, { recursive: true, force: true });
  }

  const ended = new AbortController();
  child.once("exit", () => ended.abort());
  try {
    const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(startLimitMs)]);
    const [{ plane, emulator }] = await once(child, "message", { signal });
    return { url: plane, emulator, close, printed: () => Buffer.concat(printed).toString() };
  } catch {
    await close();
    throw new Error(`The plane did not start:\n${Buffer.concat(printed)}`);
  }
}

/** So many ports that nothing listens on; held together, so that they differ. */
async function freePorts(count) {
  const servers = Array.from({ length: count }, () => createServer());
  await Promise.all(servers.map((server) => once(server.listen(0, "127.0.0.1"), "listening")));
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => once(server.close(), "close")));
  return ports;
}
