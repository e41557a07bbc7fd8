// The command line. Paths are made absolute here, for the work is done in the project's directory.

import path from "node:path";
import { parseArgs } from "node:util";
import { PublishError } from "./error.mjs";

export const USAGE = `node tools/publish-release.mjs PROJECT_DIR [options]

  --config FILE        wrangler configuration (default: the project's own)
  --profile NAME|FILE  guide (default), moltworker, or a JSON file of that shape
  --image REF          container image in a registry, instead of the configuration's
  --no-default         do not make it the release that new tenants get
  --out DIR            write blobs/ and release.json there
  --local | --remote   store it: in wrangler's local state, or in Cloudflare
  --persist-to DIR     with --local: where wrangler keeps its local state
  --plane-config FILE  the control plane's wrangler configuration, which names the database (default: this repository's)
  --database DB        its D1 database, by binding or name (default: DB)
  --bucket NAME        its R2 bucket (default: paramita-releases)

Prints the release's id.`;

const OPTIONS = {
  config: { type: "string" },
  profile: { type: "string", default: "guide" },
  image: { type: "string" },
  "no-default": { type: "boolean", default: false },
  out: { type: "string" },
  local: { type: "boolean", default: false },
  remote: { type: "boolean", default: false },
  "persist-to": { type: "string" },
  "plane-config": { type: "string" },
  database: { type: "string", default: "DB" },
  bucket: { type: "string", default: "paramita-releases" },
  help: { type: "boolean", short: "h", default: false },
};

export function readOptions(argv) {
  const { values, positionals } = parse(argv);
  if (values.help) return { help: true };
  if (positionals.length !== 1) throw new PublishError(`name one project directory.\n\n${USAGE}`);
  if (values.local && values.remote) throw new PublishError("--local and --remote exclude each other; give one.");
  if (values["persist-to"] && !values.local) throw new PublishError("--persist-to goes with --local.");
  if (!values.local && !values.remote && !values.out) throw new PublishError("say where to put it: --local, --remote or --out DIR.");
  return {
    projectDir: path.resolve(positionals[0]),
    config: absolute(values.config),
    profile: values.profile,
    image: values.image,
    makeDefault: !values["no-default"],
    out: absolute(values.out),
    target: values.remote ? "remote" : values.local ? "local" : null,
    persistTo: absolute(values["persist-to"]),
    planeConfig: absolute(values["plane-config"]),
    database: values.database,
    bucket: values.bucket,
  };
}

function parse(argv) {
  try {
    return parseArgs({ args: argv, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new PublishError(`${error.message}\n\n${USAGE}`);
  }
}

function absolute(file) {
  return file === undefined ? undefined : path.resolve(file);
}
