// Which of the uploaded bindings a release carries. What differs between tenants is left for the control plane to fill in.

import { PublishError } from "./error.mjs";
import { FORBIDDEN_NAMES } from "./profile.mjs";

// Types that name nothing of a particular account.
const PORTABLE = new Set(["ai", "assets", "browser", "images", "json", "plain_text", "version_metadata"]);

/** `{ bindings, warnings }` in Cloudflare's metadata form. */
export function tenantBindings(uploaded, profile) {
  const warnings = [];
  const setByPlane = new Set([profile.environment_variable, profile.bucket_variable]);
  const secrets = new Set([...profile.required, ...profile.optional, ...profile.generated, profile.sleep_secret]);
  const bindings = [];
  for (const binding of uploaded) {
    const { type, name } = binding;
    const isVariable = type === "plain_text" || type === "json";
    if (FORBIDDEN_NAMES.includes(name)) {
      throw new PublishError(`the variable ${name} switches off the tenant's sign-in; take it out of the wrangler configuration.`);
    }
    if (isVariable && setByPlane.has(name)) continue;
    if (isVariable && secrets.has(name)) {
      warnings.push(`the variable ${name} is left out: it is a secret of the profile "${profile.name}", which each tenant sets.`);
      continue;
    }
    if (type === "durable_object_namespace" && binding.script_name === undefined) {
      bindings.push(binding);
      continue;
    }
    if (type === "r2_bucket") {
      const { bucket_name: _, ...rest } = binding;
      bindings.push(rest);
      continue;
    }
    if (!PORTABLE.has(type)) {
      warnings.push(`the binding ${name} (${type}) names something of one account, which all tenants will share.`);
    }
    bindings.push(binding);
  }
  const buckets = bindings.filter(({ type }) => type === "r2_bucket").map(({ name }) => name);
  if (buckets.length > 1) warnings.push(`the buckets ${buckets.join(", ")} will all be the tenant's one bucket.`);
  return { bindings, warnings };
}

// Fields of the upload that the release has, or that the control plane decides for itself.
const CARRIED = new Set([
  "assets",
  "bindings",
  "code_update_strategy",
  "compatibility_date",
  "compatibility_flags",
  "containers",
  "keep_bindings",
  "main_module",
  "migrations",
  "observability",
  "package_dependencies",
]);

/** A warning for each thing that wrangler would have uploaded and the release does not have. */
export function uncarried(metadata) {
  return Object.keys(metadata)
    .filter((key) => !CARRIED.has(key))
    .map((key) => `"${key}" is not part of a release; tenants will not have it.`);
}
