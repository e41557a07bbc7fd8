// Amazon's SDK against the S3 face. Prints one line of JSON with what it made of the answers; run by s3.rs.
import { createHash } from "node:crypto";
import {
  AbortMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectsCommand,
  GetBucketLocationCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  paginateListObjectsV2,
  S3Client,
} from "@aws-sdk/client-s3";

const { bucket, strange } = JSON.parse(process.argv[2]);
const api = process.env.CLOUDFLARE_API_BASE_URL;
const account = process.env.CLOUDFLARE_ACCOUNT_ID;
const token = process.env.CLOUDFLARE_API_TOKEN;
const headers = { authorization: `Bearer ${token}` };
const verified = await (await fetch(`${api}/accounts/${account}/tokens/verify`, { headers })).json();
const credentials = {
  accessKeyId: verified.result.id,
  secretAccessKey: createHash("sha256").update(token).digest("hex"),
};
const client = (changes) =>
  new S3Client({
    endpoint: new URL(`/s3/${account}`, api).href,
    region: "auto",
    forcePathStyle: true,
    maxAttempts: 1,
    credentials,
    ...changes,
  });
const s3 = client({});
const refusal = async (call) => {
  try {
    await call;
    return null;
  } catch (error) {
    return [error.$metadata?.httpStatusCode, error.name];
  }
};
const keysOf = async (query) => {
  const pages = [];
  for await (const page of paginateListObjectsV2({ client: s3 }, { Bucket: bucket, ...query })) {
    pages.push((page.Contents ?? []).map((object) => object.Key));
  }
  return pages;
};
const seen = { token: verified.result.status };

const pages = await keysOf({});
seen.pages = pages.map((page) => page.length);
seen.strange = pages.flat().filter((key) => strange.includes(key)).length;
// With this encoding `+` stands for a space.
const encoded = (await keysOf({ EncodingType: "url" })).flat();
seen.encoded = encoded.map((key) => decodeURIComponent(key.replaceAll("+", " "))).filter((key) => strange.includes(key)).length;
seen.prefix = (await keysOf({ Prefix: "many/000" })).flat().length;

const remove = (keys, changes = {}) =>
  s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: keys.map((Key) => ({ Key })), ...changes } }));
seen.tooMany = await refusal(remove(Array.from({ length: 1001 }, (_, n) => `${n}`)));
const named = await remove([...strange, "never there"]);
seen.deleted = named.Deleted.map((entry) => entry.Key).filter((key) => strange.includes(key)).length;
seen.errors = named.Errors ?? [];
for (const page of pages) seen.quiet = (await remove(page, { Quiet: true })).Deleted ?? null;
seen.left = (await keysOf({})).flat();

const upload = (Key) => s3.send(new CreateMultipartUploadCommand({ Bucket: bucket, Key }));
for (const key of ["b", "a b/%+é", "a b/%+é", "c"]) await upload(key);
const uploads = [];
let marker = {};
do {
  const page = await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket, MaxUploads: 2, ...marker }));
  uploads.push(...page.Uploads);
  marker = page.IsTruncated ? { KeyMarker: page.NextKeyMarker, UploadIdMarker: page.NextUploadIdMarker } : null;
} while (marker);
seen.uploads = uploads.map((entry) => entry.Key);
const abort = ({ Key, UploadId }) => s3.send(new AbortMultipartUploadCommand({ Bucket: bucket, Key, UploadId }));
for (const entry of uploads) await abort(entry);
seen.abortTwice = await refusal(abort(uploads[0]));
seen.uploadsLeft = (await s3.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? [];

const list = (changes, name = bucket) => refusal(client(changes).send(new ListObjectsV2Command({ Bucket: name })));
seen.noBucket = await list({}, "none");
seen.wrongSecret = await list({ credentials: { ...credentials, secretAccessKey: "0".repeat(64) } });
seen.wrongKey = await list({ credentials: { ...credentials, accessKeyId: "0".repeat(32) } });
seen.shortKey = await list({ credentials: { ...credentials, accessKeyId: "AKID" } });
seen.otherRegion = await list({ region: "eu-west-1" });
seen.usEast = await list({ region: "us-east-1" });
seen.otherAccount = await list({ endpoint: new URL(`/s3/${"f".repeat(32)}`, api).href });
seen.lateClock = await list({ systemClockOffset: -20 * 60_000 });
seen.otherCall = await refusal(s3.send(new GetBucketLocationCommand({ Bucket: bucket })));
console.log(JSON.stringify(seen));
