// From the control protocol's description of a Worker (Cloudflare's words) to Miniflare's.

import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";

/** What the emulator sent cannot be run; the message says why. */
export class BadWorker extends Error {}

// Content types as in a script upload. Source maps are not part of the program.
const MODULE_TYPES = {
  "application/javascript+module": "esm",
  "application/javascript": "commonjs",
  "application/wasm": "wasm",
  "application/octet-stream": "data",
  "text/plain": "text",
};
const NOT_RUN = new Set(["application/source-map"]);

export function workerOptions(script, spec, assetsDirectory) {
  const exported = durableObjects(spec.durable_objects ?? []);
  return {
    config: {
      name: script,
      compatibilityDate: spec.compatibility_date,
      compatibilityFlags: spec.compatibility_flags ?? [],
      manifest: { mainModule: moduleName(spec.main_module), modulesRoot: "/", modules: modules(spec) },
      env: environment(script, spec.bindings ?? [], exported),
      exports: exported,
      ...(assetsDirectory ? { assets: assets(spec, assetsDirectory) } : {}),
    },
  };
}

function modules({ main_module, modules: list }) {
  const result = {};
  for (const { name, content_type, content_base64 } of list ?? []) {
    const mime = String(content_type).split(";")[0].trim();
    if (NOT_RUN.has(mime)) continue;
    const type = MODULE_TYPES[mime];
    if (!type) throw new BadWorker(`the module ${name} has the content type ${content_type}, which is none of a module`);
    const bytes = Buffer.from(content_base64, "base64");
    result[moduleName(name)] = { type, contents: type === "wasm" || type === "data" ? new Uint8Array(bytes) : bytes.toString("utf8") };
  }
  if (!result[moduleName(main_module)]) throw new BadWorker(`the main module ${main_module} is not among the modules`);
  return result;
}

// "./abc-page.html" and "abc-page.html" are one module to the runtime.
function moduleName(name) {
  return path.posix.normalize(String(name));
}

// The namespace's id names the storage, so a namespace that was made anew does not see the data of the one before.
function durableObjects(classes) {
  return Object.fromEntries(
    classes.map(({ class_name, sqlite, namespace_id }) => [
      class_name,
      { type: "durable-object", storage: sqlite ? "sqlite" : "legacy-kv", ...(namespace_id ? { unsafeUniqueKey: namespace_id } : {}) },
    ]),
  );
}

function environment(script, bindings, exported) {
  const env = {};
  for (const binding of bindings) {
    const value = bindingValue(script, binding, exported);
    if (value) env[binding.name] = value;
    else process.stderr.write(`[${script}] the binding ${binding.name} (${binding.type}) is left out: the runner has none of that type\n`);
  }
  return env;
}

function bindingValue(script, binding, exported) {
  switch (binding.type) {
    case "plain_text":
    case "secret_text":
      return { type: "text", value: binding.text };
    case "json":
      return { type: "json", value: binding.json };
    case "assets":
      return { type: "assets" };
    case "r2_bucket":
      return { type: "r2", name: binding.bucket_name };
    case "durable_object_namespace":
      if (binding.script_name && binding.script_name !== script) return null;
      if (!exported[binding.class_name]) throw new BadWorker(`the binding ${binding.name} names the class ${binding.class_name}, which has no namespace`);
      return { type: "durable-object", worker: script, exportName: binding.class_name };
    case "browser":
      return { type: "fetcher", handler: noBrowser };
    default:
      return null;
  }
}

function noBrowser() {
  return new Response("There is no browser in the emulator.\n", { status: 501, headers: { "content-type": "text/plain" } });
}

function assets({ assets: { config = {} } }, directory) {
  return {
    directory,
    hasUserWorker: true,
    ...(config.html_handling ? { htmlHandling: config.html_handling } : {}),
    ...(config.not_found_handling ? { notFoundHandling: config.not_found_handling } : {}),
    ...(config.run_worker_first === undefined ? {} : { runWorkerFirst: config.run_worker_first }),
  };
}

/** Writes the assets below `directory`, which nothing else may use. */
export async function writeAssets({ files = [], config = {} }, directory) {
  await mkdir(directory, { recursive: true });
  for (const { path: name, content_base64 } of files) {
    const file = path.join(directory, String(name));
    if (!file.startsWith(directory + path.sep)) throw new BadWorker(`the asset ${name} lies outside of the assets`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, Buffer.from(content_base64, "base64"));
  }
  for (const name of ["_headers", "_redirects"]) if (config[name]) await writeFile(path.join(directory, name), config[name]);
}
