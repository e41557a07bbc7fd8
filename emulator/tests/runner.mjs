// A runner that runs nothing: it speaks the protocol, keeps objects in memory, answers for tenants with what it was told about them,
// and refuses Workers whose main module says "broken". Run by server.rs.
import { createServer } from "node:http";

const workers = new Map();
const buckets = new Map();
const body = async (request) => Buffer.concat(await request.toArray());
const json = (response, status, value) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(value));

const control = createServer(async (request, response) => {
  const url = new URL(request.url, "http://control");
  const [, kind, name, part, ...rest] = url.pathname.split("/").map(decodeURIComponent);
  const key = rest.join("/");
  const bytes = await body(request);
  if (kind === "workers" && part === "scheduled") {
    workers.get(name).ran = url.searchParams.get("cron");
    return json(response, 200, { outcome: "ok" });
  }
  if (kind === "workers" && request.method === "PUT") {
    const worker = JSON.parse(bytes);
    const main = worker.modules.find((module) => module.name === worker.main_module);
    if (Buffer.from(main.content_base64, "base64").includes("broken")) return json(response, 400, { error: "it is broken" });
    workers.set(name, worker);
  } else if (kind === "workers") {
    workers.delete(name);
  } else if (part === "objects" && key) {
    const objects = buckets.get(name);
    if (request.method === "PUT") objects.set(key, bytes);
    if (request.method === "DELETE") objects.delete(key);
    if (request.method === "GET" && !objects.has(key)) return json(response, 404, { error: "none" });
    if (request.method === "GET") return response.writeHead(200, { etag: '"e"', "content-type": "text/plain" }).end(objects.get(key));
    if (request.method === "PUT") return json(response, 200, { key, size: bytes.length, etag: "e" });
  } else if (part === "objects") {
    const prefix = url.searchParams.get("prefix") ?? "";
    const objects = [...buckets.get(name)].filter(([found]) => found.startsWith(prefix));
    return json(response, 200, { objects: objects.map(([found, { length }]) => ({ key: found, size: length, etag: "e", uploaded: 0, content_type: null })), cursor: null });
  } else if (request.method === "PUT") {
    if (!buckets.has(name)) buckets.set(name, new Map());
  } else {
    buckets.delete(name);
  }
  json(response, 200, {});
});

const tenants = createServer(async (request, response) => {
  const worker = workers.get(request.headers.host.split(".")[0]);
  json(response, 200, { host: request.headers.host, path: request.url, body: String(await body(request)), worker });
});
// Echoes what comes over an upgraded connection.
tenants.on("upgrade", (request, socket) => {
  socket.write("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n");
  socket.pipe(socket);
});

const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`)));
console.log(JSON.stringify({ control: await listen(control), tenants: await listen(tenants) }));
process.stdin.on("end", () => process.exit(0)).resume();
