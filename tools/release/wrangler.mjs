// Runs this repository's own wrangler (the pinned one, never the project's), without a shell.

import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import path from "node:path";
import { PublishError } from "./error.mjs";

const require = createRequire(import.meta.url);

// No prompts, no metrics, no look-ups that the work does not need.
const QUIET = {
  CI: "1",
  CLOUDFLARE_CF_FETCH_ENABLED: "false",
  NO_COLOR: "1",
  WRANGLER_SEND_ERROR_REPORTS: "false",
  WRANGLER_SEND_METRICS: "false",
};

/** Runs wrangler and returns `{ code, output }`; stdout and stderr together, for wrangler reports problems on both. */
export function runWrangler(args, { cwd, env = {} }) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [wranglerBin(), ...args], {
      cwd,
      env: { ...process.env, ...QUIET, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const chunks = [];
    child.stdout.on("data", (chunk) => chunks.push(chunk));
    child.stderr.on("data", (chunk) => chunks.push(chunk));
    child.on("error", reject);
    child.on("close", (code) => resolve({ code, output: Buffer.concat(chunks).toString("utf8").trim() }));
  });
}

/** wrangler's own reader of wrangler.json, .jsonc and .toml. Reads from the working directory when `file` is undefined. */
export function readWranglerConfig(file) {
  const { unstable_readConfig } = loadWrangler();
  try {
    return unstable_readConfig({ config: file }, { hideWarnings: true, useRedirectIfAvailable: true });
  } catch (error) {
    throw new PublishError(`wrangler cannot read the configuration${file ? ` ${file}` : ""}: ${error.message}`);
  }
}

function loadWrangler() {
  checkNode();
  Object.assign(process.env, QUIET);
  return require("wrangler");
}

function wranglerBin() {
  checkNode();
  return path.join(path.dirname(require.resolve("wrangler/package.json")), "bin", "wrangler.js");
}

function checkNode() {
  if (Number(process.versions.node.split(".")[0]) < 22) {
    throw new PublishError(`wrangler needs Node.js 22 or later and this is ${process.version}; run it with node_modules/.bin/node.`);
  }
  try {
    require.resolve("wrangler/package.json");
  } catch {
    throw new PublishError("wrangler is not installed; run `npm ci` in this repository.");
  }
}
