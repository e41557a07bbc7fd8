//! How a tenant stands: what goes on by itself while somebody looks.

use maud::{Markup, html};

use super::change::form;
use super::phase;
use crate::clock::Timestamp;
use crate::pages::console::layout::Frame;
use crate::pages::parts::{until, when};
use crate::registry::EventRow;
use crate::tenant::{Applied, Condition, Ledger, Phase, ResourceKind, ResourceState, Status, Tenant};

/// How it stands: what changes while somebody looks.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// What is around it: its buttons are forms.
    pub frame: Frame<'a>,
    /// The tenant.
    pub tenant: &'a Tenant,
    /// What exists.
    pub ledger: &'a Ledger,
    /// Where it answers.
    pub address: &'a str,
    /// Where the Cloudflare dashboard shows each line of the ledger, in its order.
    pub dashboards: &'a [Option<String>],
    /// What the next round would do: what, to what, and why.
    pub plan: &'a [(&'a str, &'a str, &'a str)],
    /// History, newest first.
    pub events: &'a [EventRow],
    /// Where older lines are; `None`: there are none.
    pub older: Option<&'a str>,
    /// Changes whenever anything here does; for a URL.
    pub mark: &'a str,
    /// The present.
    pub now: Timestamp,
}

/// The part of the page that goes on by itself: it asks again every few seconds, and is told when there is news.
pub fn standing(shown: &Standing<'_>) -> Markup {
    let tenant = shown.tenant;
    let poll = format!("/admin/tenants/{}/live?seen={}", tenant.id, shown.mark);
    let is_busy = matches!(tenant.phase, Phase::Pending | Phase::Updating | Phase::Deleting);
    html! {
        div id="standing" hx-get=(poll) hx-trigger=(if is_busy { "every 3s" } else { "every 20s" }) hx-swap="outerHTML" {
            (title(shown))
            (conditions(shown))
            div.pair {
                (wanted(shown))
                (plan(shown))
            }
            (ledger(shown))
            (events(shown))
        }
    }
}

fn title(shown: &Standing<'_>) -> Markup {
    let tenant = shown.tenant;
    let (tone, word) = phase(tenant.phase);
    html! {
        div.title {
            h1 { code { (tenant.name.as_str()) } }
            span.pill.(tone) { (word) }
            @if tenant.paused_at.is_some() { span.pill.warn { "paused" } }
        }
        p.hint {
            code { (tenant.id) }
            @if let Some(owner) = &tenant.owner { " · owner " a href={ "/admin?owner=" (encoded(owner)) } { (owner) } }
            " · signed up " (when(tenant.created_at))
            @if tenant.phase == Phase::Ready { " · " a href=(shown.address) { (shown.address) } }
        }
        @if shown.frame.may_change && tenant.phase != Phase::Deleted { (at_once(shown)) }
        @if let Some(at) = tenant.paused_at {
            p.notice.warn { "Work on it waits since " (when(at)) ". What is asked of it is written down, and done once it goes on." }
        }
    }
}

/// What is done by one button, and can be taken back by another.
fn at_once(shown: &Standing<'_>) -> Markup {
    let tenant = shown.tenant;
    let button = |act: &str, words: &str, class: Option<&str>| {
        form(shown.frame, tenant, act, &html! { button class=[class] { (words) } })
    };
    html! {
        div.actions {
            (button("retry", "Retry now", (tenant.phase != Phase::Failed).then_some("quiet")))
            @if tenant.paused_at.is_some() { (button("unpause", "Let work go on", None)) }
            @else { (button("pause", "Pause", Some("quiet"))) }
            @if tenant.deletion.is_none() && tenant.suspended_at.is_some() { (button("resume", "Resume", Some("quiet"))) }
            @if tenant.deletion.is_some() { (button("undelete", "Undelete", Some("quiet"))) }
            a href="#change" { "Resize, move, suspend, delete" }
        }
    }
}

fn conditions(shown: &Standing<'_>) -> Markup {
    let tone = |condition: &Condition| match (condition.kind.as_str(), condition.status) {
        ("Stalled", Status::True) => "bad",
        ("Stalled", _) | (_, Status::True) => "good",
        ("Ready", _) if shown.tenant.phase != Phase::Failed => "busy",
        _ => "bad",
    };
    html! {
        section.card aria-labelledby="conditions-title" {
            h2 id="conditions-title" { "Conditions" }
            ul.conditions {
                @for condition in &shown.tenant.conditions {
                    li class=(tone(condition)) {
                        div {
                            strong { (condition.kind) ": " (word(condition.status)) } " "
                            code { (condition.reason) } " "
                            span.hint { (when(condition.last_transition_time)) }
                        }
                        p { (condition.message) }
                    }
                }
            }
        }
    }
}

fn word(status: Status) -> &'static str {
    match status {
        Status::True => "yes",
        Status::False => "no",
        Status::Unknown => "not known",
    }
}

/// What is wanted, and what is so.
fn wanted(shown: &Standing<'_>) -> Markup {
    let tenant = shown.tenant;
    let (script, application) = (&shown.ledger.script, &shown.ledger.application);
    let (size, instances) = match (&application.applied, application.state) {
        (Some(Applied::Application { instance_type, max_instances, .. }), ResourceState::Present) => {
            (instance_type.clone(), max_instances.to_string())
        }
        (_, state) => (state.as_str().to_owned(), state.as_str().to_owned()),
    };
    let sleep = match (&script.applied, script.state) {
        (Some(Applied::Script { sleep_after: Some(sleep), .. }), ResourceState::Present) => sleep.clone(),
        (_, ResourceState::Present) => "not known".to_owned(),
        (_, state) => state.as_str().to_owned(),
    };
    let row = |name: &str, wanted: &str, is: &str| {
        html! {
            tr {
                th scope="row" { (name) }
                td { (wanted) }
                td class=[(wanted != is && is != "absent").then_some("changed")] { (is) }
            }
        }
    };
    html! {
        section.card aria-labelledby="spec-title" {
            h2 id="spec-title" { "Spec and status" }
            table {
                thead { tr { td {} th scope="col" { "Wanted" } th scope="col" { "Status" } } }
                tbody {
                    (row("Generation", &tenant.generation.to_string(), &tenant.observed_generation.to_string()))
                    (row("Size", tenant.spec.instance_type.as_str(), &size))
                    (row("Instances", &tenant.spec.max_instances.to_string(), &instances))
                    (row("Sleeps after", &tenant.spec.sleep_after.to_string(), &sleep))
                }
            }
            p.hint {
                "Release " code { (tenant.release) }
                @if let Some(at) = tenant.suspended_at { " · to stand still since " (when(at)) }
                @if let Some(at) = tenant.expires_at { " · trial ends " (until(at)) }
                @if let Some(deletion) = tenant.deletion { " · to be deleted since " (when(deletion.asked_at)) ", data kept until " (until(deletion.keep_data_until)) }
            }
        }
    }
}

fn plan(shown: &Standing<'_>) -> Markup {
    html! {
        section.card aria-labelledby="plan-title" {
            h2 id="plan-title" { "Next round" }
            p.hint {
                @match shown.tenant.due_at {
                    Some(at) => { "Due " (when(at)) @if shown.tenant.attempts > 0 { ", try " (shown.tenant.attempts + 1) } "." },
                    None => "None is due.",
                }
            }
            @if shown.plan.is_empty() { p { "It would do nothing: everything is as it is wanted." } }
            @else {
                ol.plan {
                    @for (step, target, why) in shown.plan {
                        li { code { (step) } " " span { (target) } small { (why) } }
                    }
                }
                p.hint { "As far as can be told without a look at Cloudflare." }
            }
        }
    }
}

fn ledger(shown: &Standing<'_>) -> Markup {
    html! {
        section.card aria-labelledby="ledger-title" {
            h2 id="ledger-title" { "Resources" }
            div.wide tabindex="0" role="region" aria-label="Table of resources" {
                table.listing {
                    thead { tr { th scope="col" { "What" } th scope="col" { "Name" } th scope="col" { "State" } th scope="col" { "Id" } th scope="col" { "Since" } } }
                    tbody {
                        @for (line, dashboard) in ResourceKind::ALL.iter().map(|kind| shown.ledger.get(*kind)).zip(shown.dashboards) {
                            tr {
                                th scope="row" { (line.kind.as_str()) }
                                td { @match dashboard { Some(url) => { a href=(url) rel="noreferrer" { (line.name) } }, None => (line.name) } }
                                td { (line.state.as_str()) }
                                td { @if let Some(id) = &line.external_id { code { (id) } } @else { "–" } }
                                td { @if let Some(at) = line.asked_at { (when(at)) } @else { "–" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The time from one line to the next, so that what took long shows.
fn events(shown: &Standing<'_>) -> Markup {
    html! {
        section.card id="events" aria-labelledby="events-title" {
            h2 id="events-title" { "Timeline" }
            ol.events {
                @for (row, before) in shown.events.iter().zip(shown.events.iter().skip(1).map(Some).chain([None])) {
                    li {
                        span.hint {
                            (when(row.at_ms))
                            @if let Some(before) = before { small { " +" (lasted(row.at_ms.0 - before.at_ms.0)) } }
                        }
                        p { code { (row.reason) } " " (row.message) small { " generation " (row.generation) } }
                    }
                }
            }
            @if let Some(older) = shown.older { p { a href=(older) { "Show older ones" } } }
        }
    }
}

/// A time span for people: `0.4 s`, `12 s`, `5 min`, `3 h`, `9 d`.
fn lasted(ms: i64) -> String {
    match ms {
        ..10_000 => format!("{}.{} s", ms / 1_000, ms.rem_euclid(1_000) / 100),
        10_000..120_000 => format!("{} s", ms / 1_000),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        7_200_000..172_800_000 => format!("{} h", ms / 3_600_000),
        _ => format!("{} d", ms / 86_400_000),
    }
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
