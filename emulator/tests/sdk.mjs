// The official SDK against the emulator. Prints one line of JSON with what it made of the answers; run by sdk.rs.
import Cloudflare from "cloudflare";

const account_id = process.env.CLOUDFLARE_ACCOUNT_ID;
const client = new Cloudflare({ apiToken: process.env.CLOUDFLARE_API_TOKEN, baseURL: process.env.CLOUDFLARE_API_BASE_URL, maxRetries: 0 });
const all = async (pages) => {
  const items = [];
  for await (const item of pages) items.push(item);
  return items;
};
// What the SDK makes of a refusal: status and Cloudflare's code.
const refusal = async (call) => {
  try {
    await call;
    return null;
  } catch (error) {
    return [error.status, error.errors?.[0]?.code];
  }
};
const seen = {};

await client.r2.buckets.create({ account_id, name: "moltbot-data-alice", locationHint: "weur" });
seen.bucketTwice = await refusal(client.r2.buckets.create({ account_id, name: "moltbot-data-alice" }));
seen.bucket = await client.r2.buckets.get("moltbot-data-alice", { account_id });
seen.buckets = (await client.r2.buckets.list({ account_id, per_page: 1000 })).buckets.map((bucket) => bucket.name);
for (let n = 0; n < 25; n += 1) {
  const body = new File([`object ${n}`], "object", { type: "text/plain" });
  // No `/` in the key: the SDK escapes it, which the API's page says it must not be.
  await client.r2.buckets.objects.upload(`object ${String(n).padStart(2, "0")}`, body, { account_id, bucket_name: "moltbot-data-alice" });
}
seen.objects = (await all(client.r2.buckets.objects.list("moltbot-data-alice", { account_id, per_page: 10 }))).map((object) => object.key);
seen.text = await (await client.r2.buckets.objects.get("object 07", { account_id, bucket_name: "moltbot-data-alice" })).text();
await client.r2.buckets.lifecycle.update("moltbot-data-alice", { account_id, rules: [{ id: "a", enabled: true, conditions: { prefix: "" } }] });
seen.lifecycle = (await client.r2.buckets.lifecycle.get("moltbot-data-alice", { account_id })).rules.map((rule) => rule.id);

const metadata = {
  main_module: "index.js",
  bindings: [
    { type: "plain_text", name: "ENVIRONMENT", text: "alice" },
    { type: "r2_bucket", name: "MOLTBOT_BUCKET", bucket_name: "moltbot-data-alice" },
    { type: "durable_object_namespace", name: "Sandbox", class_name: "Sandbox" },
  ],
  // Not in the SDK's type of this route, and sent by wrangler all the same.
  containers: [{ name: "moltbot-alice", class_name: "Sandbox" }],
  migrations: { new_tag: "v1", steps: [{ new_sqlite_classes: ["Sandbox"] }] },
  tags: ["ours"],
};
const code = "export class Sandbox {}\nexport default { fetch: () => new Response('hi') };";
// Not `scripts.update`: SDK 7.3.0 spreads the metadata over bracketed form fields and calls the form JavaScript.
const upload = () => {
  const body = new FormData();
  body.append("metadata", JSON.stringify(metadata));
  body.append("index.js", new File([code], "index.js", { type: "application/javascript+module" }));
  return client.put(`/accounts/${account_id}/workers/scripts/alice`, { query: { bindings_inherit: "strict" }, body });
};
const { result: uploaded } = await upload();
seen.uploaded = [uploaded.id, uploaded.migration_tag, uploaded.handlers];
seen.tagTwice = await refusal(upload());
seen.scripts = (await all(client.workers.scripts.list({ account_id, tags: "ours:yes" }))).map((script) => script.id);
seen.settings = (await client.workers.scripts.settings.get("alice", { account_id })).tags;
seen.scriptAndVersion = (await client.workers.scripts.scriptAndVersionSettings.get("alice", { account_id })).bindings.map((binding) => binding.name);

await client.workers.scripts.secrets.update("alice", { account_id, name: "ONE", text: "1", type: "secret_text" });
await client.workers.scripts.secrets.bulkUpdate("alice", { account_id, secrets: { TWO: { name: "TWO", text: "2", type: "secret_text" } } });
seen.secrets = (await all(client.workers.scripts.secrets.list("alice", { account_id }))).map((secret) => secret.name);
await client.workers.scripts.secrets.delete("ONE", { account_id, script_name: "alice" });
seen.secretTwice = await refusal(client.workers.scripts.secrets.delete("ONE", { account_id, script_name: "alice" }));

seen.accountSubdomain = (await client.workers.subdomains.get({ account_id })).subdomain;
seen.subdomain = await client.workers.scripts.subdomain.create("alice", { account_id, enabled: true, previews_enabled: false });
await client.workers.scripts.schedules.update("alice", { account_id, body: [{ cron: "*/5 * * * *" }] });
seen.schedules = (await client.workers.scripts.schedules.get("alice", { account_id })).schedules.map((schedule) => schedule.cron);

seen.namespaces = (await all(client.durableObjects.namespaces.list({ account_id, per_page: 1000 }))).map((namespace) => namespace.name);
const configuration = { image: `registry.cloudflare.com/${account_id}/openclaw-sandbox:v1`, instance_type: "standard-1" };
const application = await client.containers.applications.create({
  account_id,
  name: "moltbot-alice",
  scheduling_policy: "default",
  configuration,
  instances: 0,
  max_instances: 1,
  durable_objects: { script_name: "alice", class_name: "Sandbox" },
});
seen.application = [application.name, application.configuration.instance_type];
const rollout = await client.containers.applications.rollouts.create(application.id, {
  account_id,
  description: "bigger",
  strategy: "rolling",
  kind: "full_auto",
  step_percentage: 100,
  target_configuration: { ...configuration, instance_type: "standard-3" },
});
seen.rollout = [rollout.status, rollout.target_version];
seen.applications = (await all(client.containers.applications.list({ account_id }))).map((item) => item.configuration.instance_type);
await client.containers.applications.delete(application.id, { account_id });
await client.workers.scripts.delete("alice", { account_id, force: true });
seen.scriptTwice = await refusal(client.workers.scripts.delete("alice", { account_id, force: true }));
seen.token = (await client.user.tokens.verify()).status;

console.log(JSON.stringify(seen));
