//! The tokens that open the tenant. Two may be valid at once, so that one can take the other's place.

use maud::{Markup, html};

use super::{TenantPage, form, may_not};
use crate::clock::Timestamp;
use crate::pages::parts::{self, error_of, hidden, when};

/// Most that are valid at once.
const MOST: usize = 2;

/// What each scope lets its holder do.
const SCOPES: [(&str, &str); 3] = [
    ("read", "Read: see everything but values of secrets"),
    ("write", "Write: change size, suspend, resume, delete"),
    ("secrets", "Secrets: set and delete secrets, make and revoke tokens"),
];

const LIVES: [(&str, &str); 4] = [("", "Never"), ("30", "In 30 days"), ("90", "In 90 days"), ("365", "In a year")];

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
    /// Whether the caller came in by it.
    pub is_this_one: bool,
}

pub fn tokens(shown: &TenantPage<'_>) -> Markup {
    html! {
        section.card id="tokens" aria-labelledby="tokens-title" {
            h2 id="tokens-title" { "Tokens" }
            p.hint { "To rotate: make a second one, put it to use, then revoke the first." }
            ul.rows { @for line in shown.tokens { (row(shown, line)) } }
            @if !shown.may.write { (may_not("write")) }
            @else if shown.tokens.len() >= MOST { p { "Two are the most. Revoke one to make another." } }
            @else { (make(shown)) }
        }
    }
}

fn row(shown: &TenantPage<'_>, line: &TokenLine<'_>) -> Markup {
    html! {
        li {
            div {
                code { (line.id) }
                @if line.is_this_one { " " span.pill.good { "You are using it" } }
            }
            div.hint {
                (line.scopes) " · made " (when(line.created_at))
                @match line.last_used_at { Some(at) => { ", last used " (when(at)) }, None => ", never used" }
                @if let Some(at) = line.expires_at { ", ends " (when(at)) }
            }
            @if shown.may.write {
                details {
                    summary { "Revoke" span.unseen { " " (line.id) } }
                    (form(shown, "tokens/revoke", &html! {
                        (hidden("id", line.id))
                        button.danger { "Revoke " span.unseen { (line.id) } }
                        " " span.hint {
                            (if line.is_this_one { "You will be signed out." } else { "Whatever uses it is refused at once." })
                        }
                    }))
                }
            }
        }
    }
}

fn make(shown: &TenantPage<'_>) -> Markup {
    let expiry = html! {
        select id="expires_in_days" name="expires_in_days" aria-describedby=(parts::described_by("expires_in_days")) {
            @for (value, words) in LIVES { option value=(value) { (words) } }
        }
    };
    html! {
        details open[error_of(shown.errors, "scope").is_some()] {
            summary { "Make a second token" }
            (form(shown, "tokens", &html! {
                fieldset id="scope" tabindex="-1" aria-describedby="scope-error" {
                    legend { "It may" }
                    @for (value, words) in SCOPES {
                        label.check { input type="checkbox" name="scope" value=(value) checked[value == "read"]; span { (words) } }
                    }
                    (parts::field_error("scope", error_of(shown.errors, "scope")))
                }
                (parts::field("expires_in_days", "It ends", "", error_of(shown.errors, "expires_in_days"), &expiry))
                div.actions {
                    button { "Make the token" }
                    span.hint { "The next page shows it, once." }
                }
            }))
        }
    }
}
