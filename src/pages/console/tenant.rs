//! A tenant, as operators see it. What is read stands above, and goes on by itself; what changes it stands below.
//!
//! Every change is sent to `…/act` with `act`, `generation` that it was made from, and what it wants beside:
//!
//! | `act` | fields |
//! |---|---|
//! | `retry`, `pause`, `unpause`, `resume`, `undelete`, `token` | |
//! | `suspend`, `revoke_tokens` | `confirm`: the tenant's name |
//! | `delete` | `confirm`, `grace_days` |
//! | `spec` | `instance_type`, `max_instances`, `sleep_after` |
//! | `release` | `release` |
//! | `trial` | `ends_on`: a date; empty: no end |
//! | `revoke_token` | `id` |

use maud::{Markup, html};

use super::layout::{Frame, csrf, page};
use crate::clock::Timestamp;
use crate::pages::parts::{self, FieldError, copyable, error_of, error_summary, field, hidden, until, when};
use crate::pages::receipt::receipt;
use crate::registry::EventRow;
use crate::tenant::spec::MAX_INSTANCES;
use crate::tenant::{Condition, InstanceType, Ledger, Phase, ResourceState, Status, Tenant};

/// The page.
#[derive(Clone, Debug)]
pub struct TenantPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// What goes on by itself.
    pub standing: Standing<'a>,
    /// What was just done.
    pub notice: Option<&'a str>,
    /// What is wrong with a form that came back.
    pub errors: &'a [FieldError<'a>],
    /// Each way of use with what a month of it costs, the usual first: `Light: awake 24 hours a day`, `$34.58`.
    pub forecast: &'a [(&'a str, &'a str)],
    /// Secrets: name, word for how it stands, tone, and when it was set.
    pub secrets: &'a [SecretLine<'a>],
    /// Tokens that are good.
    pub tokens: &'a [TokenLine<'a>],
    /// Releases that it can be moved to, the newest first, with whether sign-ups get it.
    pub releases: &'a [(&'a str, bool)],
}

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

/// A secret: everything but its value.
#[derive(Clone, Copy, Debug)]
pub struct SecretLine<'a> {
    /// Its name.
    pub name: &'a str,
    /// How it stands: tone and word.
    pub state: (&'static str, &'static str),
    /// When it was last set or deleted.
    pub updated_at: Option<Timestamp>,
}

/// A token: everything but itself.
#[derive(Clone, Copy, Debug)]
pub struct TokenLine<'a> {
    /// `tok_…`.
    pub id: &'a str,
    /// For people: `read, write, secrets`.
    pub scopes: &'a str,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used.
    pub last_used_at: Option<Timestamp>,
}

/// Tone and word of a phase.
pub fn phase(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Pending => ("busy", "pending"),
        Phase::Ready => ("good", "ready"),
        Phase::Updating => ("busy", "updating"),
        Phase::Suspended => ("still", "suspended"),
        Phase::Failed => ("bad", "failed"),
        Phase::Deleting => ("busy", "deleting"),
        Phase::Deleted => ("still", "deleted"),
    }
}

/// `GET /admin/tenants/{name}`.
pub fn tenant(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.standing.tenant;
    let content = html! {
        @if let Some(notice) = shown.notice { p.notice.good role="status" { (notice) } }
        (error_summary(shown.errors))
        p.crumb { a href="/admin" { "Fleet" } }
        (standing(&shown.standing))
        @if tenant.deletion.is_some() { (receipt(shown.standing.ledger)) }
        div.pair {
            (cost(shown))
            (secrets(shown))
        }
        @if tenant.phase != Phase::Deleted {
            (tokens(shown))
            @if shown.frame.may_change { (change(shown)) }
        }
    };
    page(shown.frame, tenant.name.as_str(), &content)
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
    use crate::tenant::Applied;
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
                        @for (line, dashboard) in crate::tenant::ResourceKind::ALL.iter().map(|kind| shown.ledger.get(*kind)).zip(shown.dashboards) {
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

fn cost(shown: &TenantPage<'_>) -> Markup {
    html! {
        section.card aria-labelledby="cost-title" {
            h2 id="cost-title" { "Cost a month" }
            table {
                tbody { @for (usage, monthly) in shown.forecast { tr { th scope="row" { (usage) } td.number { (monthly) } } } }
            }
            p.hint { "What it adds to the bill of an account that has used its allowance, without storage." }
        }
    }
}

fn secrets(shown: &TenantPage<'_>) -> Markup {
    html! {
        section.card aria-labelledby="secrets-title" {
            h2 id="secrets-title" { "Secrets" }
            @if shown.secrets.is_empty() { p { "None." } }
            ul.compact {
                @for line in shown.secrets {
                    li {
                        code { (line.name) } " " span.pill.(line.state.0) { (line.state.1) }
                        @if let Some(at) = line.updated_at { " " span.hint { (when(at)) } }
                    }
                }
            }
            p.hint { "Names and ages. Nobody can read a value; only the tenant's owner sets one." }
        }
    }
}

fn tokens(shown: &TenantPage<'_>) -> Markup {
    html! {
        section.card id="tokens" aria-labelledby="tokens-title" {
            h2 id="tokens-title" { "Tokens" }
            @if shown.tokens.is_empty() { p { "None is good: its owner cannot come in until you make one." } }
            ul.rows {
                @for token in shown.tokens {
                    li {
                        div { code { (token.id) } " " span.hint { (token.scopes) } }
                        p.hint {
                            "made " (when(token.created_at))
                            @match token.last_used_at { Some(at) => { ", last used " (when(at)) }, None => ", never used" }
                            @if let Some(at) = token.expires_at { ", ends " (until(at)) }
                        }
                        @if shown.frame.may_change {
                            details {
                                summary { "Revoke" span.unseen { " " (token.id) } }
                                (form_of(shown, "revoke_token", &html! { (hidden("id", token.id)) button.danger { "Revoke " span.unseen { (token.id) } } }))
                            }
                        }
                    }
                }
            }
            @if shown.frame.may_change {
                div.actions { (form_of(shown, "token", &html! { button.quiet { "Make a token for its owner" } })) }
                @if !shown.tokens.is_empty() {
                    details open[error_of(shown.errors, "revoke_tokens-confirm").is_some()] {
                        summary { "Revoke all of them" }
                        (form_of(shown, "revoke_tokens", &html! {
                            p { "For a token that got into wrong hands. Whatever uses one is refused at once, and its owner is signed out." }
                            (confirm(shown, "revoke_tokens-confirm"))
                            button.danger { "Revoke all tokens" }
                        }))
                    }
                }
            }
        }
    }
}

fn change(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.standing.tenant;
    html! {
        section.card.danger id="change" aria-labelledby="change-title" {
            h2 id="change-title" { "Change it" }
            @if tenant.deletion.is_none() {
                (spec(shown))
                (release(shown))
                (trial(shown))
                @if tenant.suspended_at.is_none() {
                    details open[error_of(shown.errors, "suspend-confirm").is_some()] {
                        summary { "Suspend" }
                        (form_of(shown, "suspend", &html! {
                            p { "It stops answering at once. All data is kept, and only storage costs." }
                            (confirm(shown, "suspend-confirm"))
                            button.danger { "Suspend it" }
                        }))
                    }
                }
            }
            @if tenant.phase != Phase::Deleted { (delete(shown)) }
        }
    }
}

fn spec(shown: &TenantPage<'_>) -> Markup {
    let spec = &shown.standing.tenant.spec;
    let sizes = html! {
        select id="instance_type" name="instance_type" aria-describedby=(parts::described_by("instance_type")) {
            @for size in InstanceType::ALL { option value=(size.as_str()) selected[size == spec.instance_type] { (size.as_str()) } }
        }
    };
    let instances = html! {
        input type="number" id="max_instances" name="max_instances" min="1" max=(MAX_INSTANCES) value=(spec.max_instances)
            aria-describedby=(parts::described_by("max_instances"));
    };
    let wrong = |id| error_of(shown.errors, id);
    let is_wrong = ["instance_type", "max_instances", "sleep_after"].into_iter().any(|id| wrong(id).is_some());
    html! {
        details open[is_wrong] {
            summary { "Resize, or let it sleep" }
            (form_of(shown, "spec", &html! {
                div.columns {
                    (field("instance_type", "Size", "lite and basic do not suit OpenClaw; only you can give them.", wrong("instance_type"), &sizes))
                    (field("max_instances", "Instances", "Most that run at once.", wrong("max_instances"), &instances))
                }
                (parts::sleep_picker(&spec.sleep_after, wrong("sleep_after")))
                button { "Save" }
            }))
        }
    }
}

fn release(shown: &TenantPage<'_>) -> Markup {
    let own = shown.standing.tenant.release.0.as_str();
    let list = html! {
        select id="release" name="release" aria-describedby=(parts::described_by("release")) {
            @for (id, is_default) in shown.releases {
                option value=(id) selected[*id == own] { (id) @if *is_default { " (sign-ups get it)" } @if *id == own { " (has it)" } }
            }
        }
    };
    html! {
        details open[error_of(shown.errors, "release").is_some()] {
            summary { "Move to another release" }
            (form_of(shown, "release", &html! {
                (field("release", "Release", "Its Worker is deployed anew, and its container restarts.", error_of(shown.errors, "release"), &list))
                button { "Move it" }
            }))
        }
    }
}

fn trial(shown: &TenantPage<'_>) -> Markup {
    let ends = shown.standing.tenant.expires_at.map(|at| at.to_string());
    let day = ends.as_deref().and_then(|at| at.get(..10)).unwrap_or_default();
    let date = html! {
        input type="date" id="ends_on" name="ends_on" value=(day) aria-describedby=(parts::described_by("ends_on"));
    };
    html! {
        details open[error_of(shown.errors, "ends_on").is_some()] {
            summary { "Set when its trial ends" }
            (form_of(shown, "trial", &html! {
                (field("ends_on", "Last day", "UTC. It is suspended the day after, and deleted a week later. Empty: no end.", error_of(shown.errors, "ends_on"), &date))
                button { "Save" }
            }))
        }
    }
}

fn delete(shown: &TenantPage<'_>) -> Markup {
    let is_going = shown.standing.tenant.deletion.is_some();
    html! {
        details open[error_of(shown.errors, "delete-confirm").is_some() || error_of(shown.errors, "grace_days").is_some()] {
            summary { (if is_going { "Shorten how long its data is kept" } else { "Delete" }) }
            (form_of(shown, "delete", &html! {
                p { "Worker, container and address go at once, its data when it need not be kept any more." }
                div.field {
                    label for="grace_days" { "Keep its data for days" }
                    input type="number" id="grace_days" name="grace_days" min="0" max="30" value="7" aria-describedby="grace_days-error";
                    (parts::field_error("grace_days", error_of(shown.errors, "grace_days")))
                }
                (confirm(shown, "delete-confirm"))
                button.danger { "Delete it" }
            }))
        }
    }
}

fn confirm(shown: &TenantPage<'_>, id: &str) -> Markup {
    parts::confirm(id, shown.standing.tenant.name.as_str(), error_of(shown.errors, id))
}

fn form_of(shown: &TenantPage<'_>, act: &str, content: &Markup) -> Markup {
    form(shown.frame, shown.standing.tenant, act, content)
}

/// A form about this very tenant: by its id, since a name may be given again.
fn form(frame: Frame<'_>, tenant: &Tenant, act: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action={ "/admin/tenants/" (tenant.id) "/act" } {
            (csrf(frame))
            (hidden("act", act))
            (hidden("generation", &tenant.generation.to_string()))
            (content)
        }
    }
}

/// What an act brought that is shown this once: a token for the tenant's owner, or its new gateway token.
pub fn once(frame: Frame<'_>, tenant: &Tenant, label: &str, value: &str) -> Markup {
    let content = html! {
        h1 { "Hand this over" }
        section.card {
            p.notice.warn { strong { "You will not see this again." } " Give it to the owner of " code { (tenant.name.as_str()) } " by a way that nobody else reads." }
            dl.values { (copyable("once", label, value)) }
        }
        p { a href={ "/admin/tenants/" (tenant.id) } { "Back to the tenant" } }
    };
    page(frame, label, &content)
}

fn encoded(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
