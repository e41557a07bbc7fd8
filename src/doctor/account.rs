//! What Cloudflare lets the plane do.
//!
//! A read proves that a permission is there, and not that it is one to edit: no harmless call tells that.

use serde_json::Value;

use super::{Check, Finding, Verdict};
use crate::capacity::{Account, Load, PerTenant, Standing};
use crate::clock::{DAY_MS, Timestamp};
use crate::cloudflare::error::Verdict as Meaning;
use crate::cloudflare::{Error, ErrorKind};

/// How long before its end a token should be replaced.
const TOKEN_NOTICE_MS: i64 = 14 * DAY_MS;

/// From this part of a limit on, in percent, there is little room.
const NEAR_PERCENT: u64 = 80;

/// What Cloudflare answered to each of the calls.
#[derive(Debug)]
pub struct Calls {
    /// What it says of the token: `status`, `expires_on`.
    pub token: Result<Value, Error>,
    /// The account's workers.dev subdomain: `subdomain`.
    pub subdomain: Result<Value, Error>,
    /// A list of buckets.
    pub buckets: Result<Value, Error>,
    /// A list of container applications.
    pub applications: Result<Value, Error>,
}

/// Why no call was made.
const NO_BUDGET: &str = "the budget of calls to Cloudflare is used up for now";

const NEW_TOKEN: &str = "Make a token of the account with the permissions Workers Scripts, Workers R2 Storage and Workers \
     Containers, each to edit, and set it: wrangler secret put CLOUDFLARE_API_TOKEN";

/// Judges the calls; `None`: there was no budget for them.
pub fn judge(calls: Option<&Calls>, tenant_url: &str, now: Timestamp) -> [Finding; 5] {
    let Some(calls) = calls else {
        return [Check::ApiToken, Check::Workers, Check::R2, Check::Containers, Check::Subdomain]
            .map(|check| check.unseen(NO_BUDGET));
    };
    let subdomain = calls.subdomain.as_ref().err();
    let errors = [subdomain, calls.buckets.as_ref().err(), calls.applications.as_ref().err()];
    let is_known = errors.iter().any(|error| error.is_none_or(shows_that_the_token_is_known));
    let token = token(&calls.token, is_known, now);
    let is_bad = token.verdict == Verdict::Failed;
    let permission = |check: Check, error: Option<&Error>, ok: &str| match error {
        None => check.ok(ok),
        Some(_) if is_bad => check.unseen("Cloudflare does not take the token"),
        Some(error) => refused(check, error),
    };
    let [of_subdomain, of_buckets, of_applications] = errors;
    // That there is no subdomain is told only to those who may ask for it.
    let of_workers = of_subdomain.filter(|error| error.verdict() != Meaning::Missing);
    [
        token,
        permission(Check::Workers, of_workers, "The token may read what is asked of Workers."),
        permission(Check::R2, of_buckets, "R2 is enabled, and the token may list its buckets."),
        permission(Check::Containers, of_applications, "The token may list container applications."),
        self::subdomain(&calls.subdomain, tenant_url),
    ]
}

/// Whether a refusal says that Cloudflare knows who asks.
fn shows_that_the_token_is_known(error: &Error) -> bool {
    matches!(&error.kind, ErrorKind::Refused(refusal) if refusal.from_api)
        && matches!(error.verdict(), Meaning::Missing | Meaning::Never)
}

fn token(said: &Result<Value, Error>, is_known: bool, now: Timestamp) -> Finding {
    let check = Check::ApiToken;
    match said {
        Ok(token) => {
            let status = text(token, "status");
            if status != "active" {
                return check.failed(format!("Cloudflare says that the token is {}.", brief(status)), NEW_TOKEN);
            }
            match Timestamp::parse(text(token, "expires_on")) {
                None => check.ok("Cloudflare takes the token, which never ends."),
                Some(at) if at <= now => check.failed(format!("The token ended at {at}."), NEW_TOKEN),
                Some(at) if at <= now.plus_ms(TOKEN_NOTICE_MS) => {
                    check.warning(format!("The token ends at {at}."), NEW_TOKEN)
                }
                Some(at) => check.ok(format!("Cloudflare takes the token until {at}.")),
            }
        }
        Err(error) if error.verdict() != Meaning::S3Unusable => check.unseen(&error.to_string()),
        // A call that was let in is what tells a user's token from one that is good for nothing.
        Err(_) if is_known => check.warning(
            "The token works, and is not one of the account's own: R2's S3 API does not take it, so that buckets are emptied \
             by the slower REST API, and it ends with the person who made it.",
            NEW_TOKEN,
        ),
        Err(error) => check.failed(format!("Cloudflare does not take the token. {error}"), NEW_TOKEN),
    }
}

fn refused(check: Check, error: &Error) -> Finding {
    match error.verdict() {
        Meaning::Unauthorized | Meaning::Never => check.failed(format!("Refused: {error}"), error.advice()),
        _ => check.unseen(&error.to_string()),
    }
}

fn subdomain(found: &Result<Value, Error>, tenant_url: &str) -> Finding {
    let check = Check::Subdomain;
    match found {
        Ok(found) => {
            let name = text(found, "subdomain");
            let host = tenant_url.split("://").nth(1).unwrap_or_default().split('/').next().unwrap_or_default();
            match host.strip_suffix(".workers.dev").map(|rest| rest.rsplit('.').next().unwrap_or(rest)) {
                None => check.ok(format!("It is {}; TENANT_URL is at {host}, which is not checked.", brief(name))),
                Some(set) if set == name => check.ok(format!("Tenants are below {set}.workers.dev.")),
                Some(set) => check.failed(
                    format!("TENANT_URL is below {set}.workers.dev, and the account's is {}.", brief(name)),
                    "Set TENANT_URL to https://{script}.<the account's subdomain>.workers.dev/, and deploy.",
                ),
            }
        }
        Err(error) if error.verdict() == Meaning::Missing => check.failed(
            "The account has no workers.dev subdomain.",
            "Open Workers & Pages in the Cloudflare dashboard once, to give the account its workers.dev subdomain.",
        ),
        Err(_) => check.unseen("the token may not ask for it, or there was no answer"),
    }
}

/// Judges how full the account is.
pub fn limits(account: &Account, load: &Load, each: PerTenant) -> Finding {
    let check = Check::Limits;
    let percent = |standing: &Standing| standing.used.saturating_mul(100).checked_div(standing.of).unwrap_or(100);
    let (mut worst, mut fullest, mut near) = (0, String::new(), String::new());
    for standing in account.standing(load, each) {
        let words = format!("{} of {} {}", standing.used, standing.of, standing.limit.unit());
        let percent = percent(&standing);
        if percent >= NEAR_PERCENT {
            near.push_str(if near.is_empty() { "" } else { ", " });
            near.push_str(&words);
        }
        if fullest.is_empty() || percent > worst {
            (worst, fullest) = (percent, words);
        }
    }
    const MORE_ROOM: &str =
        "Ask Cloudflare for more, and say so in ACCOUNT_LIMITS; or remove tenants that nobody needs.";
    match worst {
        100.. => check.failed(format!("Full, so that nobody can sign up: {near} taken."), MORE_ROOM),
        NEAR_PERCENT.. => check.warning(format!("Nearly full: {near} taken."), MORE_ROOM),
        _ => check.ok(format!("The fullest: {fullest} taken.")),
    }
}

/// A field of text; empty if it is not there.
fn text<'a>(found: &'a Value, field: &str) -> &'a str {
    found.get(field).and_then(Value::as_str).unwrap_or_default()
}

/// A word of Cloudflare's, as far as it is one.
fn brief(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(63).collect()
}
