//! The sign-up form.

use maud::{Markup, html};

use super::layout::{Frame, page, page_with_turnstile};
pub use super::parts::Size;
use super::parts::{self, FieldError, error_of};
use crate::config::SignupMode;
use crate::tenant::{GRACE_DAYS, InstanceType, SleepAfter};
use crate::turnstile::ACTION;

/// What is shown on it.
#[derive(Clone, Debug)]
pub struct SignUp<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Who may sign up.
    pub mode: SignupMode,
    /// Made anew with each empty form, kept when it comes back: sent twice, it makes one tenant.
    pub idempotency_key: &'a str,
    /// As typed, however wrong.
    pub name: &'a str,
    /// What is known of the name, if it was asked about.
    pub name_said: Option<NameSaid<'a>>,
    /// The invite code as typed.
    pub invite: &'a str,
    /// The size chosen.
    pub instance_type: InstanceType,
    /// The time to sleep chosen.
    pub sleep_after: SleepAfter,
    /// What may be chosen.
    pub sizes: &'a [Size],
    /// Days after which the tenant is suspended.
    pub trial_days: Option<i64>,
    /// Turnstile's public key, where it is used.
    pub turnstile_site_key: Option<&'a str>,
    /// What is wrong, each with its field; what is wrong with the whole has the field `form`.
    pub errors: &'a [FieldError<'a>],
}

/// What is known of a name.
#[derive(Clone, Copy, Debug)]
pub enum NameSaid<'a> {
    /// Nobody has it.
    Free {
        /// Where the tenant would answer.
        address: &'a str,
    },
    /// It cannot be had.
    Refused {
        /// Why, for people.
        reason: &'a str,
    },
}

/// The fragment that answers `GET /signup/name`. `None`: nothing was typed yet.
pub fn name_said(said: Option<NameSaid<'_>>) -> Markup {
    html! {
        @match said {
            None => {},
            Some(NameSaid::Free { address }) => span.good { "Free: " code { (address) } },
            Some(NameSaid::Refused { reason }) => span.error { (reason) },
        }
    }
}

/// The page at `/signup`, empty or come back with what is wrong.
pub fn signup(form: &SignUp<'_>) -> Markup {
    if form.mode == SignupMode::Closed {
        return page(form.frame, "Sign-up is closed", &closed());
    }
    let title = if form.errors.is_empty() { "Sign up" } else { "Something is missing · Sign up" };
    let content = html! {
        h1 { "Sign up" }
        p.lead { "Choose a name and a size. You can change the size later, and you see the price first." }
        (parts::error_summary(form.errors))
        form.card method="post" action="/signup" id="form" {
            (parts::csrf(form.frame))
            (parts::hidden("idempotency_key", form.idempotency_key))
            (name(form))
            @if form.mode == SignupMode::Invite { (invite(form)) }
            (parts::size_picker(form.sizes, form.instance_type, error_of(form.errors, "instance_type")))
            (parts::sleep_picker(&form.sleep_after, error_of(form.errors, "sleep_after")))
            @if let Some(key) = form.turnstile_site_key { (turnstile(key, error_of(form.errors, "turnstile"))) }
            @if let Some(days) = form.trial_days {
                p.notice {
                    "This is a trial of " (days) " days. Then your tenant is suspended, and " (GRACE_DAYS)
                    " days later deleted with its data."
                }
            }
            div.actions {
                button { "Sign up" }
                span.hint { "It takes about a minute. The next page shows your tokens, once." }
            }
        }
    };
    let document = if form.turnstile_site_key.is_some() { page_with_turnstile } else { page };
    document(form.frame, title, &content)
}

fn closed() -> Markup {
    html! {
        h1 { "Sign-up is closed" }
        p.lead { "No new tenants are taken just now. Ask whoever runs this place for one." }
        p { a href="/#open" { "Open a tenant that you have" } }
    }
}

fn name(form: &SignUp<'_>) -> Markup {
    let error = error_of(form.errors, "name");
    let control = html! {
        input type="text" id="name" name="name" value=(form.name) required maxlength="40" autocomplete="off"
            spellcheck="false" autocapitalize="off" aria-describedby="name-hint name-error name-said"
            aria-invalid=[error.map(|_| "true")]
            hx-get="/signup/name" hx-trigger="input changed delay:300ms" hx-params="name" hx-sync="this:replace"
            hx-target="#name-said" hx-swap="innerHTML";
    };
    html! {
        (parts::field("name", "Name", "Lower-case letters, digits and hyphens. It is part of your address and stays.",
            error, &control))
        p.said id="name-said" aria-live="polite" { (name_said(form.name_said)) }
    }
}

fn invite(form: &SignUp<'_>) -> Markup {
    let error = error_of(form.errors, "invite");
    let control = html! {
        input.mono type="text" id="invite" name="invite" value=(form.invite) required autocomplete="off" spellcheck="false"
            autocapitalize="off" aria-describedby=(parts::described_by("invite")) aria-invalid=[error.map(|_| "true")];
    };
    parts::field("invite", "Invite code", "Begins with inv_; it works once", error, &control)
}

fn turnstile(site_key: &str, error: Option<&str>) -> Markup {
    html! {
        div.field id="turnstile" tabindex="-1" {
            div.cf-turnstile data-sitekey=(site_key) data-action=(ACTION) {}
            noscript { p { "One check that you are no robot needs scripts. Switch them on for this page to sign up." } }
            (parts::field_error("turnstile", error))
        }
    }
}
