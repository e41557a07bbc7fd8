// A profile says which secrets a tenant of this release needs, may have, and gets made for it. Profiles are data:
// tools/profiles/*.json, or a file of one's own.

import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { PublishError } from "./error.mjs";

const PROFILES_DIR = path.join(import.meta.dirname, "..", "profiles");

/** Either would let anybody past the tenant's sign-in, so neither may reach a tenant by any way. */
export const FORBIDDEN_NAMES = ["DEV_MODE", "E2E_TEST_MODE"];

const LISTS = ["required", "optional", "generated"];
const NAMES = ["gateway_token", "environment_variable", "bucket_variable", "sleep_secret"];

export async function readProfile(nameOrFile) {
  const isFile = nameOrFile.endsWith(".json");
  const file = isFile ? path.resolve(nameOrFile) : path.join(PROFILES_DIR, `${nameOrFile}.json`);
  if (!isFile && !(await profileNames()).includes(nameOrFile)) {
    throw new PublishError(`no profile "${nameOrFile}"; there are ${(await profileNames()).join(", ")}, or give a path that ends in .json.`);
  }
  const text = await readFile(file, "utf8").catch(() => {
    throw new PublishError(`cannot read the profile ${file}.`);
  });
  return checkProfile(parse(text, file), file);
}

async function profileNames() {
  const files = await readdir(PROFILES_DIR);
  return files.filter((file) => file.endsWith(".json")).map((file) => file.slice(0, -".json".length)).sort();
}

function parse(text, file) {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new PublishError(`the profile ${file} is not JSON: ${error.message}`);
  }
}

function checkProfile(profile, file) {
  const wrong = (what) => new PublishError(`the profile ${file}: ${what}; see ${path.join(PROFILES_DIR, "guide.json")}.`);
  const known = ["name", ...LISTS, "together", ...NAMES];
  for (const key of Object.keys(profile)) if (!known.includes(key)) throw wrong(`unknown field "${key}"`);
  if (typeof profile.name !== "string" || profile.name === "") throw wrong(`"name" must be a text`);
  for (const key of LISTS) if (!Array.isArray(profile[key]) || !profile[key].every(isName)) throw wrong(`"${key}" must be a list of names`);
  const { together = [] } = profile;
  const isGroup = (group) => Array.isArray(group) && group.every(isName);
  if (!Array.isArray(together) || !together.every(isGroup)) throw wrong(`"together" must be a list of lists of names`);
  for (const key of NAMES) if (profile[key] !== null && !isName(profile[key])) throw wrong(`"${key}" must be a name or null`);
  const named = [...LISTS.flatMap((key) => profile[key]), ...together.flat(), ...NAMES.map((key) => profile[key])];
  const forbidden = named.find((name) => FORBIDDEN_NAMES.includes(name));
  if (forbidden) throw wrong(`${forbidden} switches off sign-in and cannot be part of a profile`);
  return profile;
}

function isName(value) {
  return typeof value === "string" && /^[A-Za-z_][A-Za-z0-9_]*$/.test(value);
}
