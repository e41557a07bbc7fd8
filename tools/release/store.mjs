// Where a release goes: a directory (tests), or the control plane's R2 bucket and D1 database (through wrangler).

import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { PublishError } from "./error.mjs";
import { runWrangler } from "./wrangler.mjs";

const REPOSITORY = path.resolve(import.meta.dirname, "..", "..");
// D1's limit for one statement is 100,000 bytes, and the manifest is in it as a literal.
const MANIFEST_MAX_BYTES = 90_000;

/** DIR/blobs/<sha256> and DIR/release.json = {"id", "manifest"}. */
export async function writeToDirectory({ id, manifest, blobs }, directory) {
  await mkdir(path.join(directory, "blobs"), { recursive: true });
  await writeBlobs(blobs, path.join(directory, "blobs"));
  await writeFile(path.join(directory, "release.json"), `${JSON.stringify({ id, manifest }, null, 2)}\n`);
}

export async function writeToCloudflare(release, { target, persistTo, planeConfig, database, bucket, makeDefault }) {
  if (Buffer.byteLength(release.text) > MANIFEST_MAX_BYTES) {
    throw new PublishError(`the manifest has more than ${MANIFEST_MAX_BYTES} bytes; a release with so many modules does not fit the database.`);
  }
  const temporary = await mkdtemp(path.join(os.tmpdir(), "release-"));
  const where = target === "local" ? ["--local", ...(persistTo ? ["--persist-to", persistTo] : [])] : ["--remote"];
  if (planeConfig) where.push("--config", planeConfig);
  try {
    await putBlobs(release, bucket, where, temporary);
    await insertRow(release, database, where, temporary, makeDefault);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

// A blob that is there already is put again with the same content.
async function putBlobs({ blobs }, bucket, where, temporary) {
  await writeBlobs(blobs, temporary);
  const list = [...blobs.keys()].map((hash) => ({ key: `blobs/${hash}`, file: path.join(temporary, hash) }));
  const listFile = path.join(temporary, "list.json");
  await writeFile(listFile, JSON.stringify(list));
  await wrangler(["r2", "bulk", "put", bucket, "--filename", listFile, "--force", ...where], `store the blobs in the bucket ${bucket}`);
}

async function insertRow({ id, text }, database, where, temporary, makeDefault) {
  const now = Date.now();
  const statements = [
    `INSERT INTO release (id, manifest, created_at_ms) VALUES (${literal(id)}, ${literal(text)}, ${now}) ON CONFLICT (id) DO NOTHING;`,
  ];
  if (makeDefault) {
    // Not when it is the default already: then nothing changes.
    statements.push(
      `UPDATE release SET default_since_ms = ${now} WHERE id = ${literal(id)} AND id IS NOT ` +
        "(SELECT id FROM release WHERE default_since_ms IS NOT NULL ORDER BY default_since_ms DESC LIMIT 1);",
    );
  }
  const sqlFile = path.join(temporary, "release.sql");
  await writeFile(sqlFile, `${statements.join("\n")}\n`);
  await wrangler(["d1", "execute", database, "--file", sqlFile, "--yes", ...where], `record the release in the database ${database}`);
}

function literal(text) {
  return `'${text.replaceAll("'", "''")}'`;
}

async function writeBlobs(blobs, directory) {
  await Promise.all([...blobs].map(([hash, content]) => writeFile(path.join(directory, hash), content)));
}

async function wrangler(args, what) {
  const { code, output } = await runWrangler(args, { cwd: REPOSITORY });
  if (code === 0) return;
  const hint = /no such table/.test(output) ? "\n\nApply the control plane's migrations first (`wrangler d1 migrations apply`)." : "";
  throw new PublishError(`could not ${what}:\n\n${output}${hint}`);
}
