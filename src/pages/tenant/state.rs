//! How the tenant stands: in one word, in facts, in conditions.

use maud::{Markup, html};

use super::{TenantPage, form};
use crate::pages::parts::{dimensions, hidden, sleeps, until, when};
use crate::pages::progress::progress;
use crate::reconcile::{RESTART_MS, TRY_AGAIN, WAITING_SINCE};
use crate::tenant::{Condition, Phase, SleepAfter, Status, Tenant};

pub fn state(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    let name = tenant.name.as_str();
    let (tone, word, words) = match tenant.phase {
        Phase::Deleting if !shown.progress.is_settled() => {
            ("busy", "Being deleted", "It is being deleted. What is still there is listed below.")
        }
        settled => phase(settled),
    };
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
        @if tenant.phase == Phase::Deleted { p.actions { a.button href="/signup" { "Sign up anew" } } }
        @if tenant.deletion.is_none() { (sections()) }
        section.card aria-labelledby="state-title" {
            h2 id="state-title" { "State" }
            @if !shown.progress.is_settled() { (progress(&shown.progress)) }
            (conditions(shown))
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

fn conditions(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    html! {
        ul.conditions {
            @for condition in tenant.conditions.iter().filter(|condition| is_of_use(condition, tenant)) {
                @let (tone, title) = question(condition, tenant.phase);
                li class=(tone) {
                    div { strong { (title) } " " span.hint { (when(condition.last_transition_time)) } }
                    p { (message(condition, shown)) }
                }
            }
        }
    }
}

/// What is deleted has no secrets to be spoken of.
fn is_of_use(condition: &Condition, tenant: &Tenant) -> bool {
    tenant.deletion.is_none() || condition.kind != "SecretsReady"
}

/// Tone and title of a condition, by what it asks. What is not ready is so for a reason that the phase knows.
fn question(condition: &Condition, phase: Phase) -> (&'static str, &str) {
    match (condition.kind.as_str(), condition.status) {
        ("Ready", Status::True) => ("good", "Ready"),
        ("Ready", _) => match phase {
            Phase::Failed => ("bad", "Not ready"),
            Phase::Suspended => ("still", "Suspended"),
            Phase::Deleting if condition.reason != "DataKept" => ("busy", "Being deleted"),
            Phase::Deleting | Phase::Deleted => ("still", "Deleted"),
            Phase::Pending => ("busy", "Being made"),
            Phase::Updating => ("busy", "Being changed"),
            Phase::Ready => ("busy", "Not ready yet"),
        },
        ("SecretsReady", Status::True) => ("good", "Secrets are set"),
        ("SecretsReady", _) if matches!(condition.reason.as_str(), "Pending" | "Restarting") => {
            ("busy", "Secrets are on their way")
        }
        ("SecretsReady", _) => ("bad", "Secrets are missing"),
        ("Stalled", Status::False) => ("good", "In time"),
        ("Stalled", _) => ("bad", "Takes too long"),
        (other, status) => (if status == Status::True { "good" } else { "busy" }, other),
    }
}

/// What a condition says, with this page's own ways in place of the API's.
fn message(condition: &Condition, shown: &TenantPage<'_>) -> Markup {
    let asked = || shown.secrets.iter().filter(|line| line.is_needed());
    let said = condition.message.split(TRY_AGAIN).next().unwrap_or_default().trim_end();
    let kept = shown.progress.tenant.deletion.map(|deletion| deletion.keep_data_until);
    html! {
        @if condition.kind == "SecretsReady" && condition.status == Status::False && asked().next().is_some() {
            "To be set: "
            @for (index, line) in asked().enumerate() {
                @if index > 0 { ", " }
                code { (line.name) }
            }
            ". " a href="#secrets" { "Set what is missing" }
        } @else {
            @match (condition.reason.as_str(), kept) {
                ("Restarting", _) => {
                    "Your Worker has them. The container restarts to have them too, which takes " (RESTART_MS / 60_000)
                    " minutes at most."
                },
                // Since when is what stands beside it.
                ("Pending", _) => (said.split(WAITING_SINCE).next().unwrap_or_default()),
                ("DataKept", Some(at)) => { "All but its data, which is kept until " (until(at)) " and then goes too." },
                _ => (said),
            }
        }
    }
}

fn facts(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    let spec = &tenant.spec;
    html! {
        dl.facts {
            div { dt { "Size" } dd { (spec.instance_type.as_str()) small { (dimensions(spec.instance_type)) } } }
            div {
                dt { "Sleeps" }
                dd { (sleeps(&spec.sleep_after)) @if spec.sleep_after != SleepAfter::Never { small { "without work" } } }
            }
            div { dt { "Costs" } dd { (shown.monthly) small { "a month, about" } } }
            div { dt { "Signed up" } dd { (when(tenant.created_at)) } }
            @if let Some(at) = tenant.expires_at { div { dt { "Trial ends" } dd { (until(at)) } } }
            @if spec.max_instances > 1 { div { dt { "Instances" } dd { "at most " (spec.max_instances) } } }
        }
    }
}
