// Makes the release: the manifest (what the control plane reads) and the blobs that it names by SHA-256.
//
// The manifest is canonical (keys sorted, no white space, lists in a fixed order), for the release's id is taken from its text.

import { createHash } from "node:crypto";
import { tenantBindings, uncarried } from "./bindings.mjs";
import { readProfile } from "./profile.mjs";
import { buildSettings, checkProject, readProject, relativeTo } from "./project.mjs";
import { recordDeploy } from "./record.mjs";

/** `{ id, manifest, text, blobs: Map<sha256, Buffer>, warnings: [text] }` */
export async function buildRelease({ projectDir, config: configFile, profile: profileName, image }) {
  const profile = await readProfile(profileName);
  const config = readProject(projectDir, configFile);
  const container = checkProject(config, image);
  const upload = await recordDeploy({ projectDir, configFile, config });

  const blobs = new Map();
  const { bindings, warnings } = tenantBindings(upload.metadata.bindings ?? [], profile);
  const manifest = {
    format: 1,
    profile,
    main_module: upload.metadata.main_module,
    modules: upload.modules.map((module) => ({ name: module.name, content_type: module.content_type, ...addBlob(blobs, module.content) })).sort(by("name")),
    compatibility_date: upload.metadata.compatibility_date,
    compatibility_flags: upload.metadata.compatibility_flags ?? [],
    bindings,
    container,
    migrations: config.migrations,
    crons: config.triggers.crons ?? [],
    assets: assets(blobs, upload),
    observability: upload.metadata.observability ?? null,
    source: {
      main: relativeTo(projectDir, config, config.main),
      assets_directory: relativeTo(projectDir, config, config.assets?.directory),
      build: buildSettings(config),
    },
  };
  const text = canonical(manifest);
  return { id: `rel_${sha256(text).slice(0, 16)}`, manifest, text, blobs, warnings: [...warnings, ...uncarried(upload.metadata)] };
}

// The assets' list is a blob of its own, so that a big site does not make a big database row.
function assets(blobs, { metadata, assets: files }) {
  if (!metadata.assets) return null;
  const list = files
    .map(({ path, hash, content_type, content }) => ({ path, hash, content_type, ...addBlob(blobs, content) }))
    .sort(by("path"));
  const { sha256: manifest } = addBlob(blobs, Buffer.from(canonical(list)));
  const bytes = list.reduce((total, { size }) => total + size, 0);
  return { manifest, files: list.length, bytes, config: metadata.assets.config ?? {} };
}

function addBlob(blobs, content) {
  const hash = sha256(content);
  blobs.set(hash, content);
  return { size: content.length, sha256: hash };
}

function sha256(content) {
  return createHash("sha256").update(content).digest("hex");
}

// By code unit, not by locale: the order must be the same on every machine.
function by(key) {
  return (a, b) => (a[key] < b[key] ? -1 : a[key] > b[key] ? 1 : 0);
}

/** JSON with sorted keys and no white space. */
export function canonical(value) {
  return JSON.stringify(value, (_, inner) =>
    inner !== null && typeof inner === "object" && !Array.isArray(inner)
      ? Object.fromEntries(Object.keys(inner).sort().map((key) => [key, inner[key]]))
      : inner,
  );
}
