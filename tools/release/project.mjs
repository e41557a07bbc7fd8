// Reads the project's wrangler configuration and refuses what the control plane could not deploy for a tenant.

import { statSync } from "node:fs";
import path from "node:path";
import { PublishError } from "./error.mjs";
import { readWranglerConfig } from "./wrangler.mjs";

const CONFIG_NAMES = "wrangler.json, wrangler.jsonc or wrangler.toml";

export function readProject(projectDir, configFile) {
  if (!isDirectory(projectDir)) throw new PublishError(`there is no directory ${projectDir}.`);
  const before = process.cwd();
  process.chdir(projectDir);
  try {
    const config = readWranglerConfig(configFile);
    // wrangler also looks in the directories above; a configuration found there belongs to something else.
    if (!configFile && (!config.userConfigPath || path.dirname(config.userConfigPath) !== process.cwd())) {
      throw new PublishError(`there is no ${CONFIG_NAMES} in ${projectDir}; name the file with --config.`);
    }
    return config;
  } finally {
    process.chdir(before);
  }
}

/** Checks the configuration and returns the release's container, `{ class_name, image }`. */
export function checkProject(config, imageOption) {
  if (!config.main) throw new PublishError(`${config.configPath} has no "main"; a tenant's Worker needs code.`);
  if (Object.keys(config.exports ?? {}).length > 0) {
    throw new PublishError('the configuration declares "exports"; declare the Durable Object classes with "migrations" instead.');
  }
  const containers = config.containers ?? [];
  if (containers.length === 0) {
    throw new PublishError('the configuration has no container; add "containers": [{ "class_name": "Sandbox", "image": "…" }].');
  }
  if (containers.length > 1) {
    const names = containers.map(({ class_name }) => class_name).join(", ");
    throw new PublishError(`the configuration has ${containers.length} containers (${names}); a release has one. Use a configuration with one, by --config.`);
  }
  const [{ class_name, image }] = containers;
  const migrated = (config.migrations ?? []).flatMap((step) => step.new_sqlite_classes ?? []);
  if (!migrated.includes(class_name)) {
    throw new PublishError(`no migration makes ${class_name} a SQLite class; add "migrations": [{ "tag": "v1", "new_sqlite_classes": ["${class_name}"] }].`);
  }
  return { class_name, image: checkImage(imageOption ?? image, imageOption ? "--image" : "the configuration's image") };
}

// host/path:tag or host/path@sha256:…; the host has a dot or a port, which no relative path to a Dockerfile has in its first part.
const REGISTRY_REFERENCE = /^(?!\.)[a-z0-9-]*[.:][a-z0-9.:-]*\/[a-z0-9._/-]+(:[A-Za-z0-9_][A-Za-z0-9._-]*)?(@sha256:[0-9a-f]{64})?$/;

function checkImage(image, what) {
  if (typeof image !== "string" || !REGISTRY_REFERENCE.test(image)) {
    throw new PublishError(
      `${what} is ${image ? `"${image}", which is not an image in a registry` : "missing"}. ` +
        "Push the image (`wrangler containers build PATH -t NAME:TAG -p`) and give it with --image registry.cloudflare.com/ACCOUNT/NAME:TAG.",
    );
  }
  if (!/[@:][^/]*$/.test(image)) throw new PublishError(`${what}, "${image}", has no tag; add one, for a release does not change.`);
  return image;
}

// How wrangler makes modules of the sources. Whoever deploys the same project by hand needs the same settings.
const BUILD_SETTINGS = ["alias", "define", "find_additional_modules", "keep_names", "minify", "no_bundle", "preserve_file_names", "rules", "upload_source_maps"];

/** Those of the configuration's build settings that say something. */
export function buildSettings(config) {
  const saysSomething = (value) => value !== undefined && value !== false && Object.keys(Object(value)).length + (value === true) > 0;
  return Object.fromEntries(BUILD_SETTINGS.filter((key) => saysSomething(config[key])).map((key) => [key, config[key]]));
}

/** Path of a file that the configuration names, as seen from the project directory; null when it names none. */
export function relativeTo(projectDir, config, file) {
  if (!file) return null;
  const absolute = path.resolve(path.dirname(config.configPath), file);
  return path.relative(projectDir, absolute).split(path.sep).join("/");
}

function isDirectory(directory) {
  return statSync(directory, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
