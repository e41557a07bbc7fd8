// Runs the plane and what it stands on, as one: `make dev`.
//
// PLANE_PORT and EMULATOR_PORT choose the ports, DEV_STATE the folder with all that is kept, and WORKER=release takes
// the build that is deployed in place of the quick one. Whoever forks it is told the addresses once all answers, and
// when he goes, so does everything here.
//
// Every long-lived child gets a process group of its own, and the whole group is ended when this process is told to
// end, when a step fails, or when any of them dies: Wrangler leaves workerd behind, still answering on the port, if
// only Wrangler itself is killed.

import { spawn } from "node:child_process";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import path from "node:path";
import { parseEnv } from "node:util";

/** Long-lived children that still run. */
const services = new Set();
let ending = false;

const planePort = port("PLANE_PORT", 8787);
const emulatorPort = port("EMULATOR_PORT", 8788);
const planeUrl = `http://localhost:${planePort}`;
const emulatorUrl = `http://localhost:${emulatorPort}`;
const state = process.env.DEV_STATE || ".dev";
const planeState = path.join(state, "plane");
const cargoTarget = process.env.CARGO_TARGET_DIR || "target";

// The first compilation on a small machine takes a minute or two; ten say that something is wrong.
const startLimitMs = 10 * 60_000;
const cronEveryMs = 60_000;

function port(name, preset) {
  const value = Number(process.env[name] ?? preset);
  if (!Number.isInteger(value) || value < 1 || value > 65_535) fail(`${name} is not a port: ${process.env[name]}`);
  return value;
}

function say(text) {
  console.log(`\x1b[1m==> ${text}\x1b[0m`);
}

function fail(text) {
  console.error(`\x1b[31m${text}\x1b[0m`);
  void end(1);
}

/** Ends every service, by force where asking does not help, and then this process. */
async function end(code) {
  if (ending) return;
  ending = true;
  for (const signal of ["SIGTERM", "SIGKILL"]) {
    for (const child of services) killGroup(child, signal);
    const patienceMs = 5_000;
    const until = Date.now() + patienceMs;
    while (services.size > 0 && Date.now() < until) await sleep(50);
  }
  process.exit(code);
}

function killGroup(child, signal) {
  try {
    process.kill(-child.pid, signal);
  } catch (error) {
    if (error.code !== "ESRCH") throw error;
  }
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Runs a command to its end. With `quiet`, what it printed is shown only if it failed. */
function run(command, args, { quiet = false } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", quiet ? "pipe" : "inherit", quiet ? "pipe" : "inherit"] });
    const printed = [];
    child.stdout?.on("data", (data) => printed.push(data));
    child.stderr?.on("data", (data) => printed.push(data));
    child.on("error", (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on("close", (code) => {
      if (code === 0) return resolve();
      process.stderr.write(Buffer.concat(printed));
      reject(new Error(`'${[command, ...args].join(" ")}' failed`));
    });
  });
}

/** Starts a command that is to run as long as this process does. */
function serve(name, command, args, env = {}) {
  // Its input stays open until we end, whichever way that is: a child may take the end of it as the sign to end too.
  const child = spawn(command, args, {
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
    env: { ...process.env, ...env },
  });
  services.add(child);
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8").on("data", (text) => {
      const lines = (rest + text).split("\n");
      rest = lines.pop();
      for (const line of lines) show(name, line);
    });
  }
  child.on("error", (error) => fail(`${name} could not be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    // What the group's leader left behind goes with it.
    killGroup(child, "SIGKILL");
    services.delete(child);
    if (!ending) fail(`${name} ended (${signal ?? `exit code ${code}`}), so everything else does too.`);
  });
}

/** Shows a line that a service printed; Wrangler spaces its own out with empty ones. */
function show(name, line) {
  const empty = line.replace("[custom build]", "").trim() === "";
  if (!ending && !empty) console.log(`\x1b[2m${name} |\x1b[0m ${line}`);
}

/** Waits until `url` answers below 500. */
async function answers(name, url) {
  const until = Date.now() + startLimitMs;
  let last = "no answer";
  while (!ending && Date.now() < until) {
    try {
      // Wrangler holds requests while a build fails, so each one has its own limit.
      const response = await fetch(url, { signal: AbortSignal.timeout(5_000) });
      if (response.status < 500) return;
      last = `${response.status} ${await response.text()}`;
    } catch (error) {
      last = error.cause?.message ?? error.message;
    }
    await sleep(250);
  }
  if (!ending) throw new Error(`${name} does not answer at ${url}: ${last}`);
}

async function mustBeFree(number, variable) {
  for (const host of ["127.0.0.1", "::1"]) {
    const code = await new Promise((resolve) => {
      const probe = createServer();
      probe.once("error", (error) => resolve(error.code));
      probe.listen(number, host, () => probe.close(() => resolve(undefined)));
    });
    if (code === "EADDRINUSE") {
      throw new Error(`Port ${number} is taken. End what uses it (a make dev that was killed leaves its workerd behind: pkill workerd), or choose another: ${variable}=${number + 100} make dev`);
    }
  }
}

/** The checked-in settings, moved to the emulator's port. */
async function writeSettings() {
  const file = path.join(state, "dev.vars");
  const text = (await readFile("dev.vars", "utf8")).replaceAll("localhost:8788", `localhost:${emulatorPort}`);
  await writeFile(file, text);
  return { file, audience: parseEnv(text).ACCESS_AUD };
}

/** Local crons never fire by themselves. */
async function tick() {
  try {
    const url = `${planeUrl}/cdn-cgi/local/scheduled?cron=*+*+*+*+*&format=json`;
    const response = await fetch(url, { signal: AbortSignal.timeout(cronEveryMs) });
    const body = await response.text();
    if (!response.ok) console.error(`cron | ${response.status} ${body}`);
  } catch (error) {
    if (!ending) console.error(`cron | ${error.message}`);
  }
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => void end(0));
process.on("disconnect", () => void end(0));

async function main() {
  await mustBeFree(planePort, "PLANE_PORT");
  await mustBeFree(emulatorPort, "EMULATOR_PORT");
  await mkdir(planeState, { recursive: true });
  const { file: settings, audience } = await writeSettings();

  say("1/5 Building the emulator of the Cloudflare API (about a minute the first time)");
  await run("cargo", ["build", "-p", "cloudflare-emulator"]);

  say("2/5 Starting the emulator");
  serve("emulator", path.join(cargoTarget, "debug", "cloudflare-emulator"), [
    ...["--port", String(emulatorPort)],
    ...["--state", path.join(state, "emulator")],
    ...["--runner", "node emulator/runner/runner.mjs"],
    "--with-parent",
  ]);
  await answers("The emulator", `${emulatorUrl}/`);

  say("3/5 Bringing the database up to date");
  await run("wrangler", ["d1", "migrations", "apply", "DB", "--local", "--persist-to", planeState], { quiet: true });

  say("4/5 Publishing the sample release");
  await run("node", ["tools/publish-release.mjs", "sample", "--profile", "guide", "--local", "--persist-to", planeState]);

  say("5/5 Starting the plane (its first compilation takes about a minute)");
  // A folder of its own for the quick build, so that tests may build theirs at the same time.
  const built = process.env.WORKER === "release" ? "build" : path.join(state, "worker");
  serve(
    "plane",
    "wrangler",
    [
      ...["dev", path.join(built, "index.js")],
      ...["--port", String(planePort)],
      ...["--persist-to", planeState],
      ...["--env-file", settings],
      "--show-interactive-dev-session=false",
    ],
    { WORKER_OUT: built },
  );
  await answers("The plane", `${planeUrl}/healthz`);
  if (ending) return;

  setInterval(tick, cronEveryMs);
  void tick();
  process.send?.({ plane: planeUrl, emulator: emulatorUrl });
  const invites = `${planeUrl}/admin/api/invites`;
  const signIn = `${emulatorUrl}/cdn-cgi/access/login/localhost:${planePort}?kid=${audience}&redirect_url=/admin`;
  // Cookies do not tell ports apart, so what the emulator sets goes to the plane.
  const jar = path.join(state, "operator.cookies");
  console.log(`
  The plane        ${planeUrl}
  Cloudflare       ${emulatorUrl}    (the emulator; tenants run at http://<script>.localhost:${emulatorPort}/)
  State            ${state}/    (remove it to start afresh)

  Sign a tenant up:
    curl -s ${planeUrl}/v1/tenants --json '{"name":"alice"}'

  The operators' page, in a browser; sign in as operator@example.com, or as anyone else at example.com to look only:
    ${planeUrl}/admin
  The same by the API, by Access's stand-in:
    curl -s -c ${jar} '${signIn}' -d email=operator@example.com
    curl -s -b ${jar} ${invites} --json '{"note":"for bob"}'

  Ctrl-C ends everything.
`);
}

process.env.CI = "1";
main().catch((error) => fail(error.message));
