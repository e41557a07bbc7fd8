// The sample pages of tests/pages, served as the plane serves its own: same files, same headers.

import { execFileSync } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";

const turnstile = "https://challenges.cloudflare.com";

/** The policy of every page; `more` is allowed to send scripts and frames. */
function policy(more = "") {
  const frames = more && `frame-src ${more}; `;
  return (
    `default-src 'none'; script-src 'self' ${more}; ${frames}style-src 'self'; img-src 'self' data:; ` +
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
  );
}

const types = { ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml" };

/** Renders the samples, builds what they load, and serves both; `close` ends it. */
export async function serveSamples() {
  const folder = await mkdtemp(path.join(tmpdir(), "pages-"));
  execFileSync("cargo", ["run", "--quiet", "--example", "pages", "--", folder], { stdio: "inherit" });
  execFileSync("make", ["--no-print-directory", "assets"], { stdio: "inherit" });
  const files = (await readdir(folder)).map((file) => path.basename(file, ".html"));
  /** The reference page is a file already. */
  const reference = "reference";
  const sample = (name) => readFile(path.join(name === reference ? path.join("build", "assets") : folder, `${name}.html`));
  /** The others are parts of one, that its script puts in. */
  const whole = await Promise.all(files.map(async (name) => (await sample(name)).toString().startsWith("<!DOCTYPE")));

  /** What a page's script asks for, answered by the samples of fragments. */
  const fragments = {
    "/signup/name": (query) => sample(query.get("name") === "taken" ? "name-refused" : "name-free"),
    // First the steps go on, then the tenant is ready.
    "/tenants/alice/progress": (query) => sample(query.get("seen") === "1.2" ? "progress-half" : "progress-ready"),
  };

  const server = createServer(async (request, response) => {
    const { pathname, searchParams } = new URL(request.url, "http://localhost");
    try {
      const type = types[path.extname(pathname)];
      if (type) {
        const body = await readFile(path.join("build", "assets", path.normalize(pathname)));
        return response.writeHead(200, { "content-type": type }).end(body);
      }
      // Nothing is new to a page about the fleet.
      if (pathname === "/admin/fleet/live") return response.writeHead(204).end();
      const body = await (fragments[pathname]?.(searchParams) ?? sample(path.basename(pathname)));
      const headers = {
        "content-type": "text/html; charset=utf-8",
        "content-security-policy": policy(pathname.includes("turnstile") ? turnstile : ""),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
      };
      response.writeHead(200, headers).end(body);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://localhost:${server.address().port}`;
  return {
    /** The names of the whole pages. */
    pages: [reference, ...files.filter((_, index) => whole[index]).sort()],
    /** Which of them is the longest by far; it comes first, so that the others are looked at beside it. */
    reference,
    /** The address of a page. */
    at: (name) => `${url}/samples/${name}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await rm(folder, { recursive: true });
    },
  };
}
