//! The same done to several tenants: first what it will do and to whom, then what became of it.
//!
//! The list sends `act` and a `tenant` for each that is chosen, by id; this page sends the same with `sure`, which of an act
//! that stops somebody's work says how many are meant, and with `release` or `grace_days`.

use maud::{Markup, html};

use crate::pages::console::layout::{Frame, csrf, page};
use crate::pages::console::tenant::phase;
use crate::pages::parts::{field_error, hidden};
use crate::tenant::Tenant;

/// Something that can be done to several.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bulk {
    /// Its name in the API.
    pub name: &'static str,
    /// What its button says.
    pub word: &'static str,
    /// What it does.
    pub says: &'static str,
    /// It stops what somebody may be working with: a number has to be typed.
    pub is_grave: bool,
}

/// What can be done.
pub const BULK: [Bulk; 5] = [
    Bulk {
        name: "suspend",
        word: "Suspend",
        says: "Nothing of them runs and nothing answers until they are resumed. All data is kept.",
        is_grave: true,
    },
    Bulk { name: "resume", word: "Resume", says: "They run again, and cost again.", is_grave: false },
    Bulk {
        name: "retry",
        word: "Retry",
        says: "Everything about them is tried again from the start, at once.",
        is_grave: false,
    },
    Bulk {
        name: "release",
        word: "Move to a release",
        says: "They are deployed from another release. Each restarts.",
        is_grave: false,
    },
    Bulk {
        name: "delete",
        word: "Delete",
        says: "Worker, container and address go at once; the data when the days are over, for ever.",
        is_grave: true,
    },
];

/// How long data is kept if nothing else is typed.
pub const GRACE_DAYS: &str = "7";

/// Before it is done.
#[derive(Clone, Copy, Debug)]
pub struct Sure<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// What is to be done.
    pub act: Bulk,
    /// To whom.
    pub tenants: &'a [Tenant],
    /// The release that was typed; before that, the one that sign-ups get.
    pub release: &'a str,
    /// The days that were typed; before that, [`GRACE_DAYS`].
    pub grace_days: &'a str,
    /// What is wrong with what was typed.
    pub error: Option<&'a str>,
}

/// What has to be typed: `delete 12 tenants`.
pub fn words(act: Bulk, count: usize) -> String {
    format!("{} {count} {}", act.name, if count == 1 { "tenant" } else { "tenants" })
}

/// The page that asks.
pub fn sure(shown: &Sure<'_>) -> Markup {
    let (act, count) = (shown.act, shown.tenants.len());
    let words = words(act, count);
    let content = html! {
        p.crumb { a href="/admin" { "Fleet" } }
        h1 { (act.word) ": " (count) (if count == 1 { " tenant" } else { " tenants" }) }
        form.card.danger[act.is_grave] method="post" action="/admin/tenants/act" {
            (csrf(shown.frame))
            (hidden("act", act.name))
            p { (act.says) }
            ul.chosen {
                @for tenant in shown.tenants {
                    @let (tone, word) = phase(tenant.phase);
                    li { (hidden("tenant", &tenant.id.0)) (tenant.name) " " span.pill.(tone) { (word) } }
                }
            }
            @if act.name == "release" {
                div.field {
                    label for="release" { "Release" }
                    input type="text" id="release" name="release" value=(shown.release) autocomplete="off" spellcheck="false";
                }
            }
            @if act.name == "delete" {
                div.field {
                    label for="grace_days" { "Days that their data is kept" }
                    input type="number" id="grace_days" name="grace_days" value=(shown.grace_days) min="0" max="30";
                }
            }
            @if act.is_grave {
                div.field {
                    label for="sure" { "Type " code { (words) } " to confirm" }
                    input type="text" id="sure" name="sure" required autocomplete="off" spellcheck="false" autocapitalize="off"
                        aria-describedby="sure-error" aria-invalid=[shown.error.map(|_| "true")];
                    (field_error("sure", shown.error))
                }
            } @else {
                (hidden("sure", &words))
                (field_error("sure", shown.error))
            }
            div.actions {
                button.danger[act.is_grave] { (act.word) }
                a href="/admin" { "Back" }
            }
        }
    };
    page(shown.frame, act.word, &content)
}

/// What became of it for one tenant.
#[derive(Clone, Copy, Debug)]
pub struct Became<'a> {
    /// Its name.
    pub tenant: &'a str,
    /// `accepted`, `unchanged` or `refused`.
    pub outcome: &'a str,
    /// Why it was refused.
    pub detail: Option<&'a str>,
}

/// The page that says what became of it.
pub fn became(frame: Frame<'_>, act: Bulk, all: &[Became<'_>]) -> Markup {
    let refused = all.iter().filter(|one| one.outcome == "refused").count();
    let content = html! {
        p.crumb { a href="/admin" { "Fleet" } }
        h1 { (act.word) ": what became of it" }
        p.notice.(if refused == 0 { "good" } else { "warn" }) role="status" {
            @if refused == 0 { "Every one of them was taken." }
            @else { (refused) " of " (all.len()) (if refused == 1 { " was" } else { " were" }) " refused; the others were taken." }
        }
        section.card aria-label="Tenants" {
            ul.rows {
                @for one in all {
                    li {
                        div {
                            a href={ "/admin/tenants/" (one.tenant) } { strong { (one.tenant) } } " "
                            @match one.outcome {
                                "accepted" => { span.pill.good { "taken" } }
                                "unchanged" => { span.pill.still { "was so already" } }
                                _ => { span.pill.bad { "refused" } }
                            }
                        }
                        @if let Some(detail) = one.detail { p.hint { (detail) } }
                    }
                }
            }
        }
        p { a href="/admin" { "Back to the fleet" } }
    };
    page(frame, act.word, &content)
}
