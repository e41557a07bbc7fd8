// Runs the fuzz targets, as many at once as there are processors, each a fixed number of times with a fixed seed; with
// SECONDS=… each for so long, with a seed of its own and with what was found in the times before. TARGET=… names one.
//
//     node tests/fuzz/run.mjs <the binary `fuzz`> <a folder for what is found>

import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";

const [binary, folder] = process.argv.slice(2);
const { SECONDS: seconds, TARGET: only } = process.env;

// What libFuzzer tries next depends on addresses, too: at fixed ones a fixed seed gives the same inputs again. Not to the
// last one where hash tables are on the way, which have seeds of their own.
const isFixed = spawnSync("setarch", ["-R", "true"]).status === 0;
const command = isFixed ? ["setarch", "-R", binary] : [binary];

const targets = execFileSync(binary, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
    .trim()
    .split("\n")
    .map((line) => line.split(" "))
    .filter(([name]) => !only || name === only);
if (targets.length === 0) throw new Error(`there is no target ${only}`);

/** Runs one target to its end; what it said, and whether every promise was kept. */
function run(name, runs) {
    const found = join(folder, name);
    const begun = seconds ? found : `${found}-fixed`;
    if (!seconds) rmSync(begun, { recursive: true, force: true });
    mkdirSync(begun, { recursive: true });
    const bounds = seconds ? [`-max_total_time=${seconds}`] : [`-runs=${runs}`, "-seed=1"];
    const rest = ["-max_len=4096", "-timeout=20", "-rss_limit_mb=2048", "-print_final_stats=1", `-dict=${begun}.words`];
    const args = [...bounds, ...rest, `-artifact_prefix=${found}-`, begun];
    const [program, ...before] = command;
    const child = spawn(program, [...before, ...args], { env: { ...process.env, FUZZ_TARGET: name, FUZZ_SEEDS: begun } });
    let said = "";
    const start = performance.now();
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (text) => (said += text));
    return new Promise((resolve) => {
        child.on("close", (code) => resolve({ name, code, said, took: (performance.now() - start) / 1000 }));
    });
}

let failed = false;
const waiting = targets.slice().reverse();
async function work() {
    for (let next; (next = waiting.pop()); ) {
        const { name, code, said, took } = await run(...next);
        if (code === 0) {
            const runs = said.match(/number_of_executed_units: (\d+)/)?.[1];
            const [, places, kept] = [...said.matchAll(/cov: (\d+).*?corp: (\d+)/g)].at(-1) ?? [];
            console.log(`${name.padEnd(12)} ${runs} inputs, ${places} places of the code, ${kept} kept, ${took.toFixed(1)} s`);
        } else {
            failed = true;
            console.log(`${name.padEnd(12)} BROKE A PROMISE\n${said.split("\n").filter((line) => !/^(#|WARNING|INFO|\t|0x)/.test(line)).slice(-60).join("\n")}`);
        }
    }
}
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.exit(failed ? 1 : 0);
