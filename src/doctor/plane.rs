//! The plane's own parts: database, cron, queue, release, seals, clock.

use super::{Check, Finding};
use crate::clock::Timestamp;
use crate::registry::migrations::NAMES;
use crate::registry::{Health, JobRun};
use crate::release::Release;

/// Milliseconds after which cron should have come: it comes every minute, and a tick may be late.
const CRON_MS: i64 = 3 * 60 * 1_000;

/// A nudge arrives within seconds.
const NUDGE_MS: i64 = 30 * 1_000;

/// What no nudge takes up the next ticks do.
const WAIT_MS: i64 = 5 * 60 * 1_000;

/// How far the clock may be off: tokens of Access begin and end at a second, with little leeway.
const CLOCK_MS: u64 = 30 * 1_000;

/// Judges the migrations that the database has.
pub fn migrations(applied: &Result<Vec<String>, String>) -> Finding {
    let check = Check::Migrations;
    const APPLY: &str = "Apply what is lacking: wrangler d1 migrations apply DB --remote";
    let applied = match applied {
        Ok(applied) => applied,
        Err(error) if error.contains("no such table") => return check.failed("No migration was ever applied.", APPLY),
        Err(error) => return check.unseen(error),
    };
    let lacking = names(NAMES.iter().copied().filter(|name| !applied.iter().any(|applied| applied == name)));
    let unknown = names(applied.iter().map(String::as_str).filter(|name| !NAMES.contains(name)));
    if !lacking.is_empty() {
        check.failed(format!("The database lacks {lacking}."), APPLY)
    } else if !unknown.is_empty() {
        check.warning(
            format!("The database is newer than the Worker, which does not know {unknown}."),
            "Deploy the version that these migrations belong to: wrangler deploy",
        )
    } else {
        check.ok("Every migration that the Worker knows is applied.")
    }
}

fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut text = String::new();
    for name in names {
        text.push_str(if text.is_empty() { "" } else { ", " });
        text.push_str(name);
    }
    text
}

/// Judges whether cron comes, and what its jobs last did.
pub fn cron(jobs: &[JobRun], now: Timestamp) -> Finding {
    let check = Check::Cron;
    const SET: &str = "See that wrangler.toml has crons = [\"* * * * *\"], and deploy; a new trigger takes up to 15 minutes. Then \
         look for the event `cron` in the log.";
    let Some(last) = jobs.iter().map(|job| job.started_at).max() else {
        return check.failed("It has never come.", SET);
    };
    if now.0.saturating_sub(last.0) > CRON_MS {
        return check.failed(format!("It came last at {last}, and should come every minute."), SET);
    }
    let failed = jobs.iter().filter_map(|job| Some(format!("{}: {}", job.name, job.error.as_ref()?)));
    let failed: Vec<String> = failed.collect();
    if failed.is_empty() {
        check.ok(format!("It came last at {last}."))
    } else {
        check.warning(
            format!("It came last at {last}. What failed then: {}", failed.join("; ")),
            "Each job tries again by itself. If it lasts, mend what its message names.",
        )
    }
}

/// Judges whether tenants that want a round get it.
pub fn rounds(health: &Health, now: Timestamp) -> Finding {
    let check = Check::Rounds;
    let waited_ms = health.oldest_due.map_or(0, |due| now.0.saturating_sub(due.0));
    let standing = &health.standing;
    let due = health.oldest_due.map(|at| at.to_string()).unwrap_or_default();
    if waited_ms > WAIT_MS {
        check.failed(
            format!("{} tenants want a round, one since {due}, and nobody runs them.", standing.due),
            "See to the cron trigger, then that the queue paramita-rounds is there and this Worker its consumer: wrangler queues info paramita-rounds",
        )
    } else if waited_ms > NUDGE_MS {
        check.warning(
            format!("A tenant wants a round since {due}: its nudge was late or lost. The next tick runs it."),
            "If it comes again, see that this Worker consumes the queue: wrangler queues info paramita-rounds",
        )
    } else if standing.vanished > 0 || standing.overdue > 0 {
        check.warning(
            format!(
                "{} rounds vanished, {} tenants are on their way for longer than they should.",
                standing.vanished, standing.overdue
            ),
            "The condition Stalled of each tenant says what is in the way.",
        )
    } else {
        check.ok(format!(
            "{} tenants want a round now, {} wait for their turn to call Cloudflare.",
            standing.due, standing.waiting_for_turn
        ))
    }
}

/// Judges the release that sign-ups get; `missing` is the first of its files that is not there.
pub fn release(release: Option<&Release>, missing: &Result<Option<String>, String>) -> Finding {
    let check = Check::Release;
    const PUBLISH: &str = "Publish it: node tools/publish-release.mjs <project> --profile <profile> --remote";
    match (release, missing) {
        (None, _) => check.failed("None is published, so that nobody can sign up.", PUBLISH),
        (Some(release), Ok(None)) => check.ok(format!("{} is the default, and its files are there.", release.id.0)),
        (Some(release), Ok(Some(file))) => {
            check.failed(format!("{file} of {} is not in the bucket RELEASES.", release.id.0), PUBLISH)
        }
        (Some(_), Err(error)) => check.unseen(error),
    }
}

/// Judges whether what was sealed opens.
pub fn sealing_key(health: &Health) -> Finding {
    let check = Check::SealingKey;
    if health.seals == 0 {
        check.ok("It is set. Nothing is sealed now that it could be tried on.")
    } else if health.seals_that_open == health.seals {
        check.ok("It opens what is sealed.")
    } else {
        check.failed(
            "It does not open what is sealed: it is another key than that which sealed it.",
            "Set the former key again: wrangler secret put SEALING_KEY. If it is lost, tenants whose secrets were not pushed yet set them again.",
        )
    }
}

/// Judges the clock by the date of an answer of Cloudflare's.
pub fn clock(date: Option<Timestamp>, now: Timestamp) -> Finding {
    let check = Check::Clock;
    let Some(date) = date else { return check.unseen("no answer of Cloudflare's had a date") };
    let off_ms = now.0.abs_diff(date.0);
    if off_ms > CLOCK_MS {
        check.warning(
            format!("It is {} s off Cloudflare's, so that tokens of Access may be refused.", off_ms / 1_000),
            "Set this machine's clock, or have it set by NTP.",
        )
    } else {
        check.ok("It agrees with Cloudflare's.")
    }
}
