// Publishes an immutable release of a tenant Worker from any wrangler project directory.
//
// What must hold:
// - the release is what `wrangler deploy` would upload, byte for byte (see release/record.mjs);
// - the same project gives the same id, so publishing twice changes nothing but possibly the default;
// - everything is there before the row that names it: the D1 row is written last, blobs are addressed by content.

import { buildRelease } from "./release/build.mjs";
import { PublishError } from "./release/error.mjs";
import { readOptions, USAGE } from "./release/options.mjs";
import { writeToCloudflare, writeToDirectory } from "./release/store.mjs";

async function main(argv) {
  const options = readOptions(argv);
  if (options.help) return console.log(USAGE);
  const release = await buildRelease(options);
  for (const warning of release.warnings) console.error(`warning: ${warning}`);
  if (options.out) await writeToDirectory(release, options.out);
  if (options.target) await writeToCloudflare(release, options);
  console.log(release.id);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof PublishError)) throw error;
  console.error(`error: ${error.message}`);
  process.exitCode = 1;
}
