//! Who did what.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::layout::{Frame, page};
use crate::clock::Timestamp;
use crate::pages::parts::when;

/// The page.
#[derive(Clone, Copy, Debug)]
pub struct AuditPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// Newest first.
    pub lines: &'a [AuditLine<'a>],
    /// Whose lines, or about whom, if not all are shown.
    pub of: Option<&'a str>,
    /// Whether the chain holds, if that was looked at.
    pub check: Option<Check<'a>>,
    /// Where those before are; `None`: there are none.
    pub older: Option<&'a str>,
}

/// A line of the log.
#[derive(Clone, Copy, Debug)]
pub struct AuditLine<'a> {
    /// Its number.
    pub seq: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: &'a str,
    /// What: `tenant.suspend`.
    pub act: &'a str,
    /// To whom.
    pub target: &'a str,
    /// From where.
    pub from: &'a str,
    /// In which request.
    pub request_id: &'a str,
    /// What it was before.
    pub before: &'a Json,
    /// What it is since.
    pub after: &'a Json,
}

/// How far the chain of hashes holds.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// The last line that was looked at and holds.
    pub checked_to: i64,
    /// Its hash.
    pub hash: &'a str,
    /// What is wrong with the next one.
    pub broken: Option<&'a str>,
    /// Where the check goes on.
    pub next: Option<&'a str>,
}

/// `GET /admin/audit`.
pub fn audit(shown: &AuditPage<'_>) -> Markup {
    let content = html! {
        h1 { "Audit" }
        p.lead { "Everything that operators did. Each line is chained to the one before by its hash, so that a line that was changed or removed shows." }
        @if let Some(check) = &shown.check { (checked(check)) }
        div.actions {
            @if shown.check.is_none() { a.button href="/admin/audit?check=true" { "Check the chain" } }
            a href="/admin/api/audit.jsonl" download { "Export as JSON lines" }
        }
        @if let Some(of) = shown.of {
            p { "Only what " code { (of) } " has to do with. " a href="/admin/audit" { "Show all" } }
        }
        @if shown.lines.is_empty() {
            section.card { p { "Nothing yet. What you change here or by the API will be listed." } }
        } @else {
            section.card aria-label="Lines" {
                ol.events.audit {
                    @for line in shown.lines { li id={ "line-" (line.seq) } { (entry(line)) } }
                }
                @if let Some(older) = shown.older { p { a href=(older) { "Show older ones" } } }
            }
        }
    };
    page(shown.frame, "Audit", &content)
}

fn checked(check: &Check<'_>) -> Markup {
    html! {
        @match check.broken {
            Some(why) => {
                div.notice.bad role="alert" {
                    h2 { "The log does not hold" }
                    p { "Up to line " (check.checked_to) " it does. After that: " (why) ". Compare the database with an export or with the log lines that the plane wrote." }
                }
            }
            None => {
                div.notice.good role="status" {
                    h2 { "The log holds" }
                    p { "Lines up to " (check.checked_to) " are as they were written. Hash of the last one: " code { (check.hash) } }
                    @if let Some(next) = check.next { p { a href=(next) { "Go on with the check" } } }
                }
            }
        }
    }
}

fn entry(line: &AuditLine<'_>) -> Markup {
    html! {
        span.hint { (when(line.at)) }
        div {
            p {
                a href={ "/admin/audit?actor=" (encoded(line.actor)) } { (line.actor) }
                " · " code { (line.act) } " · "
                a href={ "/admin/audit?target=" (encoded(line.target)) } { (line.target) }
            }
            details {
                summary { "Line " (line.seq) }
                dl.values {
                    dt { "From" } dd { (line.from) ", in " code { (line.request_id) } }
                    dt { "Before" } dd { pre { code { (pretty(line.before)) } } }
                    dt { "After" } dd { pre { code { (pretty(line.after)) } } }
                }
            }
        }
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

fn pretty(json: &Json) -> String {
    serde_json::to_string_pretty(json).unwrap_or_default()
}
