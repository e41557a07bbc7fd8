//! What is shown once: after a sign-up, and when a token was made.

use maud::{Markup, html};

use super::layout::{Frame, page};
use super::parts::copyable;
use super::progress::{Progress, progress};

/// A sign-up that was accepted, or a deletion that was taken back.
#[derive(Clone, Copy, Debug)]
pub struct Created<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// How far it is.
    pub progress: Progress<'a>,
    /// Where the tenant will answer.
    pub address: &'a str,
    /// Where the API is: `https://…`, without a slash at the end.
    pub origin: &'a str,
    /// Shown this once; who comes back has one.
    pub token: Option<&'a str>,
    /// Shown this once, where the release has one.
    pub gateway_token: Option<&'a str>,
    /// Required secrets that are to be set yet.
    pub missing_secrets: &'a [&'a str],
}

/// The answer to a sign-up, or to an undeletion.
pub fn created(created: &Created<'_>) -> Markup {
    let name = created.progress.tenant.name.as_str();
    let content = html! {
        h1 { (if created.token.is_some() { "Welcome, " } else { "Welcome back, " }) code { (name) } }
        section.card aria-labelledby="once-title" {
            h2 id="once-title" { "Keep what is here" }
            (once())
            dl.values {
                @if let Some(token) = created.token {
                    (copyable("token", "API token: opens this tenant, here and over the API", token))
                }
                @if let Some(token) = created.gateway_token {
                    (copyable("gateway-token", "Gateway token: opens OpenClaw at your address", token))
                }
                (copyable("address", "Address", created.address))
            }
            @if let Some(token) = created.token {
                details {
                    summary { "Try the API" }
                    (try_it(created.origin, name, token))
                }
            }
        }
        section.card aria-labelledby="progress-title" {
            h2 id="progress-title" { "Progress" }
            (progress(&created.progress))
        }
        section.card aria-labelledby="next-title" {
            h2 id="next-title" { "Next" }
            @if !created.missing_secrets.is_empty() {
                p {
                    "Your tenant comes up without them, but OpenClaw needs these secrets to work: "
                    @for (index, secret) in created.missing_secrets.iter().enumerate() {
                        @if index > 0 { ", " }
                        code { (secret) }
                    }
                    "."
                }
            }
            p.actions { a.button href={ "/tenants/" (name) "#secrets" } { "Go to your tenant and set its secrets" } }
        }
    };
    page(created.frame, "Keep your tokens", &content)
}

/// A token that was made.
#[derive(Clone, Copy, Debug)]
pub struct TokenMade<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Whose.
    pub name: &'a str,
    /// Where the API is.
    pub origin: &'a str,
    /// Shown this once.
    pub token: &'a str,
    /// What it may do, for people: `read, write`.
    pub scopes: &'a str,
}

/// The answer to the making of a token.
pub fn token_made(made: &TokenMade<'_>) -> Markup {
    let content = html! {
        h1 { "A token for " code { (made.name) } }
        section.card aria-labelledby="once-title" {
            h2 id="once-title" { "Keep this token" }
            (once())
            dl.values { (copyable("token", "API token", made.token)) }
            p { "It may do this: " (made.scopes) ". To rotate, put it to use first, then revoke the former one." }
            details {
                summary { "Try it" }
                (try_it(made.origin, made.name, made.token))
            }
        }
        p { a href={ "/tenants/" (made.name) "#tokens" } { "Back to your tenant" } }
    };
    page(made.frame, "Keep your token", &content)
}

fn once() -> Markup {
    html! {
        p.notice.warn {
            strong { "You will not see this again." }
            " Put it into your password manager now. We cannot show a token a second time, only replace it."
        }
    }
}

fn try_it(origin: &str, name: &str, token: &str) -> Markup {
    let lines = format!("TOKEN={token}\ncurl -s {origin}/v1/tenants/{name} -H \"authorization: Bearer $TOKEN\"");
    html! { dl.values { (copyable("try", "In a shell", &lines)) } }
}
