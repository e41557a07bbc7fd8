// The buckets. Which buckets exist is the emulator's to know; here any name works, and an unknown one is empty.
//
// Two instances: the keeper holds every bucket's files and is never changed, for all Workers' R2 bindings go to it; the clerk
// answers the control routes and is restarted when a bucket is asked for that it has no binding to.
// What must hold: the keeper starts before any other instance. Miniflare lets the oldest keep the storage.

import path from "node:path";
import { startMiniflare } from "./miniflare.mjs";

const RETIRE_MS = 10_000;
const KEEPER = "export default { fetch() { return new Response(null, { status: 404 }); } };";

export class Storage {
  #paths;
  #keeper;
  #clerk;
  #retired = new Set();
  #known = new Set();
  #bound = new Set();
  #turn = Promise.resolve();

  constructor(paths) {
    this.#paths = paths;
  }

  async start() {
    this.#keeper = await this.#startInstance("keeper", KEEPER, {});
  }

  /** Binds the bucket the next time that the clerk is restarted. */
  expect(bucket) {
    this.#known.add(bucket);
  }

  /** URL of the bucket's routes in the clerk: `…/BUCKET/objects[/KEY]`. */
  async urlOf(bucket) {
    // Serialised: two new buckets at once must not start two clerks.
    const turn = this.#turn.then(() => this.#bind(bucket));
    this.#turn = turn.catch(() => {});
    await turn;
    return new URL(`/${encodeURIComponent(bucket)}`, this.#clerk.url);
  }

  /** Deletes every object. Doing it again is fine. */
  async empty(bucket) {
    const response = await fetch(await this.urlOf(bucket), { method: "DELETE" });
    if (!response.ok) throw new Error(`emptying ${bucket}: ${await response.text()}`);
  }

  async stop() {
    const clerks = [...this.#retired, this.#clerk];
    await Promise.allSettled(clerks.map((clerk) => clerk?.instance.dispose()));
    await this.#keeper?.instance.dispose();
  }

  async #bind(bucket) {
    if (this.#bound.has(bucket)) return;
    this.#known.add(bucket);
    const buckets = new Set(this.#known);
    const env = Object.fromEntries([...buckets].map((name) => [name, { type: "r2", name }]));
    const next = await this.#startInstance("clerk", `${clerk}\nexport default clerk();`, env);
    if (this.#clerk) this.#retire(this.#clerk);
    this.#clerk = next;
    this.#bound = buckets;
  }

  // Requests that are under way on it get time to end.
  #retire(clerk) {
    this.#retired.add(clerk);
    const dispose = () => {
      this.#retired.delete(clerk);
      clerk.instance.dispose().catch((error) => process.stderr.write(`ending a clerk: ${error.message}\n`));
    };
    setTimeout(dispose, RETIRE_MS).unref();
  }

  #startInstance(name, contents, env) {
    return startMiniflare({
      paths: this.#paths,
      isolated: path.join(this.#paths.tenants, `.${name}`),
      workers: [
        {
          config: {
            name: `.${name}`,
            compatibilityDate: "2025-05-06",
            manifest: { mainModule: "index.js", modulesRoot: "/", modules: { "index.js": { type: "esm", contents } } },
            env,
          },
        },
      ],
    });
  }
}

// Runs in workerd, from its own text: it may use nothing of this file.
function clerk() {
  const json = (value, status = 200) => Response.json(value, { status });

  async function list(bucket, query) {
    const limit = Number(query.get("limit") ?? 1000);
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) return json({ error: "limit must be 1 to 1000" }, 400);
    const page = await bucket.list({
      prefix: query.get("prefix") || undefined,
      cursor: query.get("cursor") || undefined,
      startAfter: query.get("start_after") || undefined,
      limit,
      include: ["httpMetadata"],
    });
    const objects = page.objects.map((object) => ({
      key: object.key,
      size: object.size,
      etag: object.etag,
      uploaded: object.uploaded.getTime(),
      content_type: object.httpMetadata?.contentType ?? null,
    }));
    return json({ objects, cursor: page.truncated ? page.cursor : null });
  }

  async function empty(bucket) {
    for (;;) {
      const page = await bucket.list({ limit: 1000 });
      if (page.objects.length === 0) return json({});
      await bucket.delete(page.objects.map(({ key }) => key));
    }
  }

  async function object(bucket, key, request) {
    if (request.method === "PUT") {
      const contentType = request.headers.get("content-type") ?? undefined;
      const stored = await bucket.put(key, await request.arrayBuffer(), { httpMetadata: { contentType } });
      return json({ key, size: stored.size, etag: stored.etag });
    }
    if (request.method === "DELETE") {
      await bucket.delete(key);
      return json({});
    }
    if (request.method !== "GET") return json({ error: "use GET, PUT or DELETE" }, 405);
    const found = await bucket.get(key);
    if (found === null) return json({ error: "no such object" }, 404);
    const headers = new Headers({ etag: found.httpEtag, "content-length": String(found.size) });
    found.writeHttpMetadata(headers);
    return new Response(found.body, { headers });
  }

  return {
    async fetch(request, env) {
      const { pathname, searchParams } = new URL(request.url);
      const [, name, , ...key] = pathname.split("/").map(decodeURIComponent);
      const bucket = env[name];
      if (/^\/[^/]+$/.test(pathname) && request.method === "DELETE") return empty(bucket);
      if (/^\/[^/]+\/objects$/.test(pathname) && request.method === "GET") return list(bucket, searchParams);
      if (/^\/[^/]+\/objects\/./.test(pathname)) return object(bucket, key.join("/"), request);
      return json({ error: "no such route" }, 404);
    },
  };
}
