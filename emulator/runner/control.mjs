// The control protocol, spoken by the emulator:
//
//   PUT    /workers/{script}                       Worker as JSON; 400 {"error"} when it does not start, and the old one stays
//   DELETE /workers/{script}                       with its Durable Objects' data
//   POST   /workers/{script}/scheduled?cron=…      runs the scheduled handler: {"outcome": "ok" | "exception" | …}
//   PUT    /buckets/{name}
//   DELETE /buckets/{name}                         with its objects
//   GET    /buckets/{name}/objects?prefix=&cursor=&limit=&start_after=
//   GET | PUT | DELETE /buckets/{name}/objects/{key}   raw bytes
//
// Changes to Workers and buckets are made one after the other; objects are not held up by them.

import { createServer, request as httpRequest } from "node:http";
import { BadWorker } from "./worker-options.mjs";

export function controlServer(runner) {
  let turn = Promise.resolve();
  const serialised = (change) => {
    const mine = turn.then(change);
    turn = mine.catch(() => {});
    return mine;
  };
  return createServer((request, response) => {
    answer({ ...runner, serialised }, request, response).catch((error) => {
      const bad = error instanceof BadWorker;
      if (!bad) process.stderr.write(`${request.method} ${request.url}: ${error.stack}\n`);
      if (response.headersSent) response.destroy();
      else json(response, bad ? 400 : 500, { error: error.message });
    });
  });
}

async function answer({ tenants, storage, serialised }, request, response) {
  const { pathname, searchParams, search } = new URL(request.url, "http://control");
  const [, kind, name, part] = pathname.split("/");
  const { method } = request;
  const route = `${method} ${pathname.replace(/^\/(workers|buckets)\/[^/]+/, "/$1/*")}`;

  if (route === "PUT /workers/*") {
    const spec = await readJson(request);
    await serialised(() => tenants.put(decodeURIComponent(name), spec));
    return json(response, 200, {});
  }
  if (route === "DELETE /workers/*") {
    await serialised(() => tenants.delete(decodeURIComponent(name)));
    return json(response, 200, {});
  }
  if (route === "POST /workers/*/scheduled") {
    const script = decodeURIComponent(name);
    const event = { cron: searchParams.get("cron") ?? "" };
    const result = await tenants.use(script, async ({ instance }) => (await instance.getWorker(script)).scheduled(event));
    return result ? json(response, 200, { outcome: result.outcome }) : json(response, 404, { error: `no Worker ${script}` });
  }
  if (route === "PUT /buckets/*") {
    storage.expect(decodeURIComponent(name));
    return json(response, 200, {});
  }
  if (route === "DELETE /buckets/*") {
    await serialised(() => storage.empty(decodeURIComponent(name)));
    return json(response, 200, {});
  }
  if (kind === "buckets" && part === "objects") {
    const url = await storage.urlOf(decodeURIComponent(name));
    return passObject(url, pathname.replace(/^\/buckets\/[^/]+/, url.pathname) + search, request, response);
  }
  return json(response, 404, { error: `no route ${method} ${pathname}` });
}

function passObject(url, path, request, response) {
  return new Promise((resolve, reject) => {
    const headers = { ...request.headers, host: url.host };
    const onward = httpRequest({ host: url.hostname, port: url.port, method: request.method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode, answer.rawHeaders);
      answer.on("error", reject).pipe(response);
      response.on("close", resolve);
    });
    onward.on("error", reject);
    request.pipe(onward);
  });
}

async function readJson(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  try {
    return JSON.parse(Buffer.concat(chunks).toString("utf8"));
  } catch (error) {
    throw new BadWorker(`the body is not JSON: ${error.message}`);
  }
}

function json(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));
}
