//! The tenants, one by one: found, put in order, chosen.

use maud::{Markup, html};

use super::FleetPage;
use super::acts::BULK;
use crate::pages::console::layout::csrf;
use crate::pages::console::tenant::phase;
use crate::pages::parts::{error_of, field_error, when};
use crate::registry::fleet::{Page, WINDOW, Wrong};
use crate::tenant::{InstanceType, Phase, Tenant};

/// Conditions that may not say what they should, and what that means.
const WRONG: [(&str, &str); 3] =
    [("Ready", "Not ready"), ("SecretsReady", "Secrets not live"), ("Stalled", "Takes too long")];

pub fn list(shown: &FleetPage<'_>) -> Markup {
    let page = shown.now.page;
    html! {
        section.card id="tenants" aria-labelledby="tenants-title" {
            h2 id="tenants-title" { "Tenants" }
            (search(shown))
            @if page.tenants.is_empty() {
                (nobody(shown))
            } @else if shown.frame.may_change {
                form method="post" action="/admin/tenants/act" {
                    (csrf(shown.frame))
                    (table(shown))
                    (acts())
                }
            } @else {
                (table(shown))
            }
            (further(shown))
        }
    }
}

fn nobody(shown: &FleetPage<'_>) -> Markup {
    html! {
        @if shown.now.page.next.is_some() {
            p { "None of those that were looked at." }
        } @else if shown.query.is_empty() && shown.asked.position.is_none() {
            p { "Nobody has signed up yet. " a href="/admin/invites" { "Make an invite" } ", or tell people where to " a href="/signup" { "sign up" } "." }
        } @else {
            p { "No tenant is like that. " a href="/admin" { "Show all" } }
        }
    }
}

/// The form that finds some of them: a `GET`, so that what it finds has an address.
fn search(shown: &FleetPage<'_>) -> Markup {
    let filter = &shown.asked.filter;
    let [name, owner, release] = shown.typed;
    let control = |name: &str, label: &str, control: Markup| {
        html! {
            div {
                label for=(name) { (label) }
                (control)
                (field_error(name, error_of(shown.errors, name)))
            }
        }
    };
    let is_bad = |name: &str| error_of(shown.errors, name).map(|_| "true");
    let select = |name: &str, label: &str, any: Option<&str>, chosen: &str, all: &[(&str, &str)]| {
        let options = html! {
            select id=(name) name=(name) aria-describedby={ (name) "-error" } aria-invalid=[is_bad(name)] {
                @if let Some(any) = any { option value="" { (any) } }
                @for (value, words) in all { option value=(value) selected[chosen == *value] { (words) } }
            }
        };
        control(name, label, options)
    };
    let text = |name: &str, label: &str, value: &str| {
        let input = html! {
            input type="text" id=(name) name=(name) value=(value) maxlength="64" autocomplete="off" spellcheck="false"
                autocapitalize="off" aria-describedby={ (name) "-error" } aria-invalid=[is_bad(name)];
        };
        control(name, label, input)
    };
    let phases = super::PHASES.map(|one| (one.as_str(), one.as_str()));
    let phases = [&phases[..], &[("deleted", "deleted")]].concat();
    let sizes = InstanceType::ALL.map(|one| (one.as_str(), one.as_str()));
    let orders = [("name", "Name"), ("created", "Newest first"), ("updated", "Latest change first")];
    html! {
        form.search method="get" action="/admin#tenants" {
            (text("name", "Name begins with", name))
            (text("owner", "Owner", owner))
            (select("phase", "Phase", Some("Any"), filter.phase.map_or("", Phase::as_str), &phases))
            (select("instance_type", "Size", Some("Any"), filter.instance_type.map_or("", InstanceType::as_str), &sizes))
            (text("release", "Release", release))
            (select("condition", "Wrong with it", Some("Anything"), filter.condition.map_or("", Wrong::as_str), &WRONG))
            (select("sort", "Order", None, shown.asked.sort.as_str(), &orders))
            div.actions {
                button { "Show" }
                @if !shown.query.is_empty() || !shown.errors.is_empty() { a href="/admin" { "Show all" } }
            }
        }
    }
}

fn table(shown: &FleetPage<'_>) -> Markup {
    let may_choose = shown.frame.may_change;
    html! {
        table.listing.tenants {
            thead {
                tr {
                    @if may_choose { td {} }
                    @for title in ["Name", "State", "Owner", "Size", "Release", "Signed up"] { th scope="col" { (title) } }
                }
            }
            tbody { @for tenant in &shown.now.page.tenants { (row(tenant, may_choose)) } }
        }
    }
}

fn row(tenant: &Tenant, may_choose: bool) -> Markup {
    let release = &tenant.release.0;
    html! {
        tr {
            @if may_choose {
                td { input type="checkbox" name="tenant" value=(tenant.id) aria-label={ "Choose " (tenant.name) }; }
            }
            th scope="row" { a href={ "/admin/tenants/" (tenant.id) } { (tenant.name) } }
            td { span id={ "state-" (tenant.id) } { (state(tenant)) } }
            td { (tenant.owner.as_deref().unwrap_or("–")) }
            td { (tenant.spec.instance_type.as_str()) @if tenant.spec.max_instances > 1 { " × " (tenant.spec.max_instances) } }
            td { code title=(release) { (release.chars().take(12).collect::<String>()) } }
            td { (when(tenant.created_at)) }
        }
    }
}

/// How a tenant stands: its phase, and the conditions that do not say what they should, where the phase does not say it.
fn state(tenant: &Tenant) -> Markup {
    let (tone, word) = phase(tenant.phase);
    let is_said = |kind: &str| kind == "Ready" && tenant.phase != Phase::Ready;
    html! {
        span.pill.(tone) { (word) }
        @if tenant.paused_at.is_some() { " " span.pill.warn { "paused" } }
        @for condition in tenant.conditions.iter().filter(|one| one.is_wrong() && !is_said(&one.kind)) {
            " " small title=(condition.message) { (condition.kind) ": " (condition.reason) }
        }
    }
}

/// The states of all that are listed; to be put where they stand, or one after the other.
pub fn states(page: &Page, is_news: bool) -> Markup {
    html! {
        @if is_news {
            @for tenant in &page.tenants {
                span id={ "state-" (tenant.id) } hx-swap-oob="innerHTML" { (state(tenant)) }
            }
        } @else {
            @for tenant in &page.tenants { (tenant.id) (state(tenant)) }
        }
    }
}

/// What can be done with those that are chosen. Each leads to a page that says what it will do, first.
fn acts() -> Markup {
    html! {
        div.actions.acts {
            span.hint { "With those that are chosen:" }
            @for act in BULK { button.quiet name="act" value=(act.name) { (act.word) } }
        }
    }
}

fn further(shown: &FleetPage<'_>) -> Markup {
    let page = shown.now.page;
    html! {
        @if page.is_cut {
            p.hint { "Of " (crate::fleet::grouped(WINDOW as u64)) " tenants that were looked at. There are more." }
        }
        @if let Some(next) = &page.next {
            p.actions {
                a.button id="next" rel="next" href={ "/admin?" (shown.query) "cursor=" (next) "#tenants" } {
                    (if page.is_cut { "Look further" } else { "Next ones" })
                }
                @if shown.asked.position.is_some() { a href={ "/admin?" (shown.query) "#tenants" } { "From the beginning" } }
            }
        } @else if shown.asked.position.is_some() {
            p { a href={ "/admin?" (shown.query) "#tenants" } { "From the beginning" } }
        }
    }
}
