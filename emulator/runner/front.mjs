// Passes requests on to the tenants' Workers by Host: {script}.localhost[:port]. Nothing is changed on the way, in either direction.

import { once } from "node:events";
import { createServer, request as httpRequest } from "node:http";
import { connect } from "node:net";

export function frontServer(tenants) {
  const server = createServer((request, response) => {
    serve(tenants, request, response).catch((error) => {
      process.stderr.write(`${request.method} ${request.headers.host}: ${error.message}\n`);
      if (response.headersSent) response.destroy();
      else plain(response, 502, "The Worker did not answer.");
    });
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    tunnel(tenants, request, socket, head).catch(() => socket.destroy());
  });
  return server;
}

async function serve(tenants, request, response) {
  const script = scriptOf(request);
  const enabled = script !== null && tenants.isEnabled(script);
  const served = enabled && (await tenants.use(script, ({ url }) => pass(url, request, response)));
  if (!served) plain(response, 404, "There is no Worker at this address.");
}

// Ends with true when the response has been passed on whole, or the client has gone.
function pass(url, request, response) {
  return new Promise((resolve, reject) => {
    const options = { host: url.hostname, port: url.port, method: request.method, path: request.url, headers: request.rawHeaders, setHost: false };
    const onward = httpRequest(options, (answer) => {
      response.writeHead(answer.statusCode, answer.statusMessage, answer.rawHeaders);
      answer.on("error", reject);
      answer.pipe(response);
    });
    onward.on("error", reject);
    response.on("close", () => {
      onward.destroy();
      resolve(true);
    });
    request.pipe(onward);
  });
}

async function tunnel(tenants, request, socket, head) {
  const script = scriptOf(request);
  if (!script || !tenants.isEnabled(script)) return socket.destroy();
  await tenants.use(script, async ({ url }) => {
    const onward = connect(Number(url.port), url.hostname, () => {
      const lines = [`${request.method} ${request.url} HTTP/1.1`];
      for (let i = 0; i < request.rawHeaders.length; i += 2) lines.push(`${request.rawHeaders[i]}: ${request.rawHeaders[i + 1]}`);
      onward.write(`${lines.join("\r\n")}\r\n\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on("error", () => socket.destroy());
    await once(socket, "close");
    onward.destroy();
  });
}

function scriptOf(request) {
  return /^([a-z0-9_-]+)\.localhost(:\d+)?$/.exec(request.headers.host ?? "")?.[1] ?? null;
}

function plain(response, status, text) {
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
