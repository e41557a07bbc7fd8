// What the tenant's settings may show of themselves: names of secrets, never values.

// The secrets of both profiles, so that this Worker can stand in under either (tools/profiles/*.json).
const KNOWN_SECRETS = [
  "AI_GATEWAY_API_KEY",
  "AI_GATEWAY_BASE_URL",
  "ANTHROPIC_API_KEY",
  "ANTHROPIC_BASE_URL",
  "CDP_SECRET",
  "CF_ACCESS_AUD",
  "CF_ACCESS_TEAM_DOMAIN",
  "CF_ACCOUNT_ID",
  "CF_AI_GATEWAY_ACCOUNT_ID",
  "CF_AI_GATEWAY_GATEWAY_ID",
  "CF_AI_GATEWAY_MODEL",
  "CLAWDBOT_GATEWAY_TOKEN",
  "CLOUDFLARE_AI_GATEWAY_API_KEY",
  "DEBUG_ROUTES",
  "DISCORD_BOT_TOKEN",
  "DISCORD_DM_POLICY",
  "MOLTBOT_GATEWAY_TOKEN",
  "OPENAI_API_KEY",
  "R2_ACCESS_KEY_ID",
  "R2_SECRET_ACCESS_KEY",
  "SANDBOX_SLEEP_AFTER",
  "SLACK_APP_TOKEN",
  "SLACK_BOT_TOKEN",
  "TELEGRAM_BOT_TOKEN",
  "TELEGRAM_DM_POLICY",
  "WORKER_URL",
];

/** Names of the known secrets that have a value, sorted. */
export function secretNames(env) {
  return KNOWN_SECRETS.filter((name) => typeof env[name] === "string" && env[name] !== "");
}

/** "never" or a duration such as "10m". Anything else is not echoed: it may be a key pasted into the wrong field. */
export function sleepAfter(env) {
  const value = env.SANDBOX_SLEEP_AFTER;
  if (!value) return "never";
  return /^(never|\d{1,6}[smh])$/.test(value) ? value : "unrecognised";
}
