//! What runs by itself, and what it found.

use maud::{Markup, html};
use serde_json::Value as Json;

use super::layout::{Frame, csrf, page};
use crate::clock::Timestamp;
use crate::pages::parts::{self, FieldError, error_of, error_summary, hidden, when};
use crate::registry::{SeenOrphan, Sweep};

/// The page.
#[derive(Clone, Copy, Debug)]
pub struct SweepsPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// Those that ran, by name.
    pub sweeps: &'a [Sweep],
    /// What is in the account and on nobody's ledger.
    pub orphans: &'a [SeenOrphan],
    /// What was just done.
    pub notice: Option<&'a str>,
    /// What is wrong with a form that came back: the field is the orphan's name.
    pub errors: &'a [FieldError<'a>],
}

/// Every sweep: its name, how often it runs, and what it does.
const SWEEPS: [(&str, &str, &str); 5] = [
    ("trials", "each tick", "Suspends tenants whose trial has ended, and deletes them a week later."),
    ("rounds", "each tick", "Runs rounds for tenants that are due and whose nudge was lost."),
    ("retention", "hourly", "Deletes rows that nobody needs any more."),
    ("orphans", "every 30 minutes", "Compares what is in the account with all ledgers, both ways."),
    ("drift", "each tick", "Compares two tenants with what Cloudflare has."),
];

/// `GET /admin/sweeps`.
pub fn sweeps(shown: &SweepsPage<'_>) -> Markup {
    let content = html! {
        h1 { "Sweeps" }
        p.lead { "What runs by itself, by the cron trigger." }
        @if let Some(notice) = shown.notice { p.notice.good role="status" { (notice) } }
        (error_summary(shown.errors))
        section.card aria-labelledby="sweeps-title" {
            h2 id="sweeps-title" { "Last runs" }
            ul.rows {
                @for (name, often, does) in SWEEPS {
                    li { (line(name, often, does, shown.sweeps.iter().find(|sweep| sweep.name == name))) }
                }
            }
        }
        section.card id="orphans" aria-labelledby="orphans-title" {
            h2 id="orphans-title" { "On nobody's ledger" }
            @if shown.orphans.is_empty() {
                p { "Nothing: whatever is in the account under the plane's names belongs to a tenant." }
            } @else {
                p.hint { "In the account under the plane's names, or with its mark. What you say is to go is deleted once it was seen for a day; a bucket only if it is empty." }
                ul.rows { @for orphan in shown.orphans { li { (orphan_line(shown, orphan)) } } }
            }
        }
    };
    page(shown.frame, "Sweeps", &content)
}

fn line(name: &str, often: &str, does: &str, sweep: Option<&Sweep>) -> Markup {
    let end = sweep.and_then(|sweep| sweep.report.get("end"));
    let text = |name: &str| end.and_then(|end| end.get(name)).and_then(Json::as_str);
    let (tone, word) = match (sweep, text("outcome")) {
        (None, _) => ("still", "never ran"),
        (Some(sweep), _) if sweep.finished_at.is_none() => ("busy", "under way"),
        (_, Some("failed")) => ("bad", "failed"),
        (_, Some("unfinished")) => ("busy", "goes on"),
        _ => ("good", "done"),
    };
    html! {
        div { strong { (name) } " " span.pill.(tone) { (word) } " " span.hint { (often) } }
        p.hint {
            (does)
            @if let Some(sweep) = sweep {
                " Began " (when(sweep.started_at))
                @if let Some(took) = took(end, sweep.started_at) { ", took " (took) }
                "."
            }
        }
        @if let Some(error) = text("error") { p.error { (error) } }
        @if let Some(found) = sweep.and_then(|sweep| sweep.report.get("found")).and_then(Json::as_object) {
            p.hint {
                @for (index, (name, value)) in found.iter().filter(|(_, value)| is_news(value)).enumerate() {
                    @if index > 0 { " · " }
                    (name.trim_end_matches("_at_ms").replace('_', " ")) ": " (said(value))
                }
            }
        }
    }
}

/// Milliseconds of the run that ended.
fn took(end: Option<&Json>, started_at: Timestamp) -> Option<String> {
    let end = end?;
    let at = |name: &str| end.get(name).and_then(Json::as_i64);
    let ms = at("finished_at_ms")? - at("started_at_ms").filter(|at| *at == started_at.0)?;
    Some(format!("{}.{} s", ms / 1_000, ms.rem_euclid(1_000) / 100))
}

fn is_news(value: &Json) -> bool {
    match value {
        Json::Number(number) => number.as_i64() != Some(0),
        Json::Array(list) => !list.is_empty(),
        Json::Bool(is_so) => *is_so,
        _ => false,
    }
}

fn said(value: &Json) -> Markup {
    // Times are whole milliseconds since 1970, which no count is.
    let time = value.as_i64().filter(|ms| *ms > 1_000_000_000_000).map(Timestamp);
    let names = value.as_array().into_iter().flatten().filter_map(Json::as_str);
    html! {
        @match (time, value) {
            (Some(at), _) => (when(at)),
            (None, Json::Array(_)) => { @for (index, name) in names.enumerate() { @if index > 0 { ", " } code { (name) } } },
            (None, Json::Bool(_)) => "yes",
            (None, value) => (value.to_string()),
        }
    }
}

fn orphan_line(shown: &SweepsPage<'_>, seen: &SeenOrphan) -> Markup {
    let orphan = &seen.orphan;
    let error = error_of(shown.errors, &orphan.name);
    html! {
        div {
            strong { (orphan.kind.as_str()) } " " code { (orphan.name) }
            @if seen.is_ours { " " span.pill.busy { "has the plane's mark" } }
            @if orphan.delete_asked_at.is_some() { " " span.pill.warn { "is to go" } }
        }
        p.hint {
            "first seen " (when(seen.first_seen)) ", last " (when(seen.last_seen))
            @if let Some(id) = &orphan.external_id { " · " code { (id) } }
        }
        @if orphan.delete_asked_at.is_none() && shown.frame.may_change {
            details open[error.is_some()] {
                summary { "Delete" span.unseen { " " (orphan.name) } }
                form method="post" action="/admin/orphans/delete" {
                    (csrf(shown.frame))
                    (hidden("kind", orphan.kind.as_str()))
                    (hidden("name", &orphan.name))
                    (parts::confirm(&orphan.name, &orphan.name, error))
                    button.danger { "Have it deleted" }
                }
            }
        }
    }
}
