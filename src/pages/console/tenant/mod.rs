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

mod change;
mod standing;

use maud::{Markup, html};

use self::change::{change, confirm, form_of};
pub use self::standing::{Standing, standing};
use super::layout::{Frame, page};
use crate::clock::Timestamp;
use crate::pages::parts::{FieldError, copyable, error_of, error_summary, hidden, until, when};
use crate::pages::receipt::receipt;
use crate::tenant::{Phase, Tenant};

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
