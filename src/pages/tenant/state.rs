//! How the tenant stands: in one word, in facts, in conditions.

use maud::{Markup, html};

use super::{TenantPage, form};
use crate::pages::parts::{dimensions, hidden, until, when};
use crate::pages::progress::progress;
use crate::tenant::{Condition, Phase, SleepAfter, Status};

pub fn state(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    let name = tenant.name.as_str();
    let (tone, word, words) = phase(tenant.phase);
    let is_open = matches!(tenant.phase, Phase::Ready | Phase::Updating);
    html! {
        div.title {
            h1 { code { (name) } }
            span class={ "pill " (tone) } { (word) }
        }
        p.lead { (words) }
        @if let Some(address) = shown.progress.address.filter(|_| is_open) {
            p.actions { a.button href=(address) { "Open " (name) } a.address href=(address) { (address) } }
        }
        @if tenant.deletion.is_none() { (sections()) }
        section.card aria-labelledby="state-title" {
            h2 id="state-title" { "State" }
            @if !shown.progress.is_settled() { (progress(&shown.progress)) }
            (conditions(&tenant.conditions))
            @if tenant.phase == Phase::Failed && shown.may.write {
                (form(shown, "spec", &html! {
                    (hidden("step", "save"))
                    (hidden("generation", &tenant.generation.to_string()))
                    button { "Try again" }
                }))
            }
            @if tenant.deletion.is_none() { (facts(shown)) }
        }
    }
}

/// Tone, word and sentence.
fn phase(phase: Phase) -> (&'static str, &'static str, &'static str) {
    match phase {
        Phase::Pending => ("busy", "Being made", "It is being made. That takes about a minute."),
        Phase::Ready => ("good", "Ready", "Everything is as you asked for."),
        Phase::Updating => ("busy", "Changing", "A change is being made. It goes on answering meanwhile."),
        Phase::Suspended => ("still", "Suspended", "It stands still. Its data is kept, and only that costs."),
        Phase::Failed => ("bad", "Needs you", "Something is in the way that does not pass by itself. See below."),
        Phase::Deleting => ("still", "Deleted", "It is deleted, but for what is listed below."),
        Phase::Deleted => ("still", "Gone", "Nothing is left of it. The name is free again."),
    }
}

fn sections() -> Markup {
    html! {
        nav.sections aria-label="On this page" {
            a href="#secrets" { "Secrets" }
            a href="#size" { "Size" }
            a href="#events" { "Events" }
            a href="#tokens" { "Tokens" }
            a href="#life" { "Suspend or delete" }
        }
    }
}

fn conditions(conditions: &[Condition]) -> Markup {
    html! {
        ul.conditions {
            @for condition in conditions {
                @let (tone, title) = question(condition);
                li class=(tone) {
                    div { strong { (title) } " " span.hint { (when(condition.last_transition_time)) } }
                    p { (condition.message) }
                }
            }
        }
    }
}

/// Tone and title of a condition, by what it asks.
fn question(condition: &Condition) -> (&'static str, &str) {
    let (good, title, not) = match condition.kind.as_str() {
        "Ready" => (Status::True, "Ready", "Not ready"),
        "SecretsReady" if matches!(condition.reason.as_str(), "Pending" | "Restarting") => {
            (Status::True, "Secrets are live", "Secrets are not live yet")
        }
        "SecretsReady" => (Status::True, "Secrets are live", "Secrets are missing"),
        "Stalled" => (Status::False, "Takes too long", "In time"),
        other => (Status::True, other, other),
    };
    let title = if condition.status == Status::True { title } else { not };
    let tone = match condition.status {
        Status::Unknown => "busy",
        status if status == good => "good",
        _ if matches!(condition.reason.as_str(), "Suspended" | "DataKept" | "Deleted") => "still",
        _ if matches!(
            condition.reason.as_str(),
            "InProgress" | "Provisioning" | "Updating" | "Pending" | "Restarting"
        ) =>
        {
            "busy"
        }
        _ => "bad",
    };
    (tone, title)
}

fn facts(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    let spec = &tenant.spec;
    html! {
        dl.facts {
            div { dt { "Size" } dd { (spec.instance_type.as_str()) small { (dimensions(spec.instance_type)) } } }
            div {
                dt { "Sleeps" }
                dd { @match &spec.sleep_after { SleepAfter::Never => "never", idle => { "after " (idle) small { "without work" } } } }
            }
            div { dt { "Costs" } dd { (shown.monthly) small { "a month, about" } } }
            div { dt { "Signed up" } dd { (when(tenant.created_at)) } }
            @if let Some(at) = tenant.expires_at { div { dt { "Trial ends" } dd { (until(at)) } } }
            @if spec.max_instances > 1 { div { dt { "Instances" } dd { "at most " (spec.max_instances) } } }
        }
    }
}
