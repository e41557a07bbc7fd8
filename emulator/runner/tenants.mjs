// The tenants' Workers, each in a Miniflare (and workerd) of its own.
//
// One Miniflare for all was measured too: it restarts workerd for every change, 0.3 s with 2 Workers and 2.7 s with 50, and cuts off
// the other tenants' requests meanwhile. One each starts in under half a second whatever the number, and costs some 90 MiB; so at most
// `maxRunning` run at once, and the one that was used longest ago makes way. It starts again with its next request.
//
// What must hold: never two processes on one tenant's Durable Object files. A new version starts while the old one ends what it has
// under way (starting opens no file); requests that come meanwhile wait until the old one has ended, and go to the new one.

import { rm } from "node:fs/promises";
import path from "node:path";
import { StartError, startMiniflare } from "./miniflare.mjs";
import { BadWorker, workerOptions, writeAssets } from "./worker-options.mjs";

const DRAIN_MS = 5_000;
const SCRIPT_NAME = /^[a-z0-9][a-z0-9_-]{0,62}$/;

export class Tenants {
  #paths;
  #maxRunning;
  #tenants = new Map();

  constructor({ paths, maxRunning }) {
    this.#paths = paths;
    this.#maxRunning = maxRunning;
  }

  /** Starts this version; the previous one serves until then, and goes on serving when this one does not start. */
  async put(script, spec) {
    if (!SCRIPT_NAME.test(script)) throw new BadWorker(`${script} is not a script name`);
    const tenant = this.#tenants.get(script) ?? new Tenant(path.join(this.#paths.tenants, script), this.#paths);
    await tenant.exclusively(async () => {
      await tenant.replace(script, spec);
      this.#tenants.set(script, tenant);
    });
    this.#trim(tenant);
  }

  /** Stops the Worker and drops its Durable Objects' data. Doing it again is fine. */
  async delete(script) {
    if (!SCRIPT_NAME.test(script)) return;
    const tenant = this.#tenants.get(script);
    this.#tenants.delete(script);
    const directory = path.join(this.#paths.tenants, script);
    const drop = () => rm(directory, { recursive: true, force: true });
    if (!tenant) return drop();
    await tenant.exclusively(async () => {
      await tenant.retire();
      await drop();
    });
  }

  /** Whether requests from outside may reach it: undefined when there is none. */
  isEnabled(script) {
    return this.#tenants.get(script)?.enabled;
  }

  /** Runs `use({ instance, url })` on the running Worker, starting it if need be. Undefined when there is none. */
  async use(script, use) {
    const tenant = this.#tenants.get(script);
    if (!tenant) return undefined;
    const release = await tenant.acquire();
    if (!release) return undefined;
    try {
      return await use(tenant.running);
    } finally {
      release();
      this.#trim(tenant);
    }
  }

  async stop() {
    await Promise.allSettled([...this.#tenants.values()].map((tenant) => tenant.stop(0)));
  }

  // Stops the idle ones that were used longest ago, down to the limit. Nobody waits for it: two tenants that made room for one
  // another would wait for ever. So the limit may be passed for a moment, and is while more than that many have requests under way.
  #trim(except) {
    const running = () => [...this.#tenants.values()].filter((tenant) => tenant.running);
    const surplus = () => running().length - this.#maxRunning;
    const idle = running().filter((tenant) => tenant !== except && tenant.isIdle);
    idle.sort((a, b) => a.lastUsed - b.lastUsed);
    for (const tenant of idle.slice(0, Math.max(0, surplus()))) {
      tenant
        .exclusively(async () => {
          if (tenant.isIdle && surplus() > 0) await tenant.stop();
        })
        .catch((error) => process.stderr.write(`stopping an idle Worker: ${error.message}\n`));
    }
  }
}

class Tenant {
  running = null;
  enabled = false;
  lastUsed = 0;
  #directory;
  #paths;
  #options = null;
  #version = 0;
  #inFlight = 0;
  #onIdle = [];
  #turn = Promise.resolve();

  constructor(directory, paths) {
    this.#directory = directory;
    this.#paths = paths;
  }

  get isIdle() {
    return this.#inFlight === 0;
  }

  /** Runs `change` after those before it; requests that come meanwhile wait in `acquire`, those under way go on. */
  exclusively(change) {
    const turn = this.#turn.then(change);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** Holds the running version until the returned function is called. Null when the Worker was deleted meanwhile. */
  async acquire() {
    const held = await this.exclusively(async () => {
      if (!this.#options) return false;
      this.running ??= await this.#start(this.#options);
      this.#inFlight += 1;
      this.lastUsed = performance.now();
      return true;
    });
    if (!held) return null;
    return () => {
      this.#inFlight -= 1;
      this.lastUsed = performance.now();
      if (this.#inFlight === 0) for (const wake of this.#onIdle.splice(0)) wake();
    };
  }

  async replace(script, spec) {
    this.#version += 1;
    const assetsDirectory = spec.assets ? path.join(this.#directory, `assets-${this.#version}`) : null;
    if (assetsDirectory) await rm(assetsDirectory, { recursive: true, force: true });
    let next;
    let options;
    try {
      if (assetsDirectory) await writeAssets(spec.assets, assetsDirectory);
      options = workerOptions(script, spec, assetsDirectory);
      next = await this.#start(options);
    } catch (error) {
      if (assetsDirectory) await rm(assetsDirectory, { recursive: true, force: true });
      throw error instanceof StartError ? new BadWorker(`the Worker does not start: ${error.message}`) : error;
    }
    const previousAssets = this.#options?.config.assets?.directory;
    await this.stop();
    if (previousAssets) await rm(previousAssets, { recursive: true, force: true });
    this.#options = options;
    this.running = next;
    this.enabled = spec.enabled !== false;
    this.lastUsed = performance.now();
  }

  /** Lets requests under way end, within limits, then ends the process. */
  async stop(drainMs = DRAIN_MS) {
    if (!this.running) return;
    if (this.#inFlight > 0 && drainMs > 0) {
      let timer;
      const timeout = new Promise((resolve) => (timer = setTimeout(resolve, drainMs)));
      await Promise.race([new Promise((resolve) => this.#onIdle.push(resolve)), timeout]);
      clearTimeout(timer);
    }
    const { instance } = this.running;
    this.running = null;
    await instance.dispose();
  }

  /** Stops for good. */
  async retire() {
    this.#options = null;
    await this.stop();
  }

  #start(options) {
    return startMiniflare({ paths: this.#paths, isolated: path.join(this.#directory, "state"), workers: [options] });
  }
}
