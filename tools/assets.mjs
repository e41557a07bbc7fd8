// Builds what the pages load, and all else that is served as it is, into build/assets/.
//
// `assets/bundle/` holds the stylesheet and the script of every page. Each becomes one file, the libraries in it
// included, below a version that changes with anything that goes in, so that browsers may keep it for ever; build.rs
// works the same number out for the pages, and in pages that are files it takes the place of `current`. Every other file
// of `assets/` is served from the root as it is.

import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { build } from "esbuild";

const from = "assets";
const bundle = path.join(from, "bundle");
const to = path.join("build", "assets");

async function version() {
  const names = (await readdir(bundle)).sort();
  let sum = 0;
  for (const file of [...names.map((name) => path.join(bundle, name)), "package-lock.json"]) {
    sum = crc32(await readFile(file), sum);
  }
  return sum.toString(16).padStart(8, "0");
}

/** A page, with the stylesheet and the script that there are. */
const ofThisVersion = (page) => page.replaceAll("/static/current/", `/static/${current}/`);

const current = await version();
await build({
  entryPoints: [path.join(bundle, "app.js"), path.join(bundle, "app.css")],
  outdir: path.join(to, "static", current),
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome123", "firefox120", "safari17.5"],
  legalComments: "eof",
  logLevel: "warning",
});
for (const entry of await readdir(from, { withFileTypes: true })) {
  if (!entry.isFile()) continue;
  const [source, copy] = [path.join(from, entry.name), path.join(to, entry.name)];
  if (entry.name.endsWith(".html")) await writeFile(copy, ofThisVersion(await readFile(source, "utf8")));
  else await copyFile(source, copy);
}
// What earlier builds left goes last: a running `make dev` never misses a file.
const kept = path.join(to, "static");
await mkdir(kept, { recursive: true });
for (const name of await readdir(kept)) {
  if (name !== current) await rm(path.join(kept, name), { recursive: true });
}
