//! A tenant's own page.

mod events;
mod life;
mod secrets;
mod size;
mod state;
mod tokens;

use maud::{Markup, html};

use super::layout::{Frame, page};
use super::parts::{self, FieldError};
use super::progress::Progress;
use super::receipt::receipt;
pub use events::Events;
pub use secrets::{Need, SecretLine, SecretState};
pub use size::{Preset, Preview, Quote, SizeForm, preview};
pub use tokens::TokenLine;

use crate::tenant::Phase;

/// What is shown on it.
#[derive(Clone, Debug)]
pub struct TenantPage<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// The tenant, its ledger and how far it is.
    pub progress: Progress<'a>,
    /// What its container costs a month as it is now, for people: `$30.38`.
    pub monthly: &'a str,
    /// The same once it runs: another sum only while it is suspended.
    pub monthly_running: &'a str,
    /// Size and sleep.
    pub size: SizeForm<'a>,
    /// Those of the release's profile and those set beside; required ones that are missing first.
    pub secrets: &'a [SecretLine<'a>],
    /// Newest first.
    pub events: Events<'a>,
    /// Newest first, those revoked left out.
    pub tokens: &'a [TokenLine<'a>],
    /// What the caller's token may do.
    pub may: May,
    /// What was just done, for people.
    pub notice: Option<&'a str>,
    /// What is wrong with a form that came back.
    pub errors: &'a [FieldError<'a>],
}

/// What the token may do by which the caller came in; all may read.
#[derive(Clone, Copy, Debug)]
pub struct May {
    /// Change, suspend, delete; make and revoke tokens.
    pub write: bool,
    /// Set and delete secrets.
    pub secrets: bool,
}

/// The page at `/tenants/{name}`.
pub fn tenant(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    let name = tenant.name.as_str();
    let content = html! {
        @if let Some(notice) = shown.notice { p.notice.good role="status" { (notice) } }
        (parts::error_summary(shown.errors))
        (state::state(shown))
        @match (tenant.phase, tenant.deletion) {
            (Phase::Deleted, _) => {
                (receipt(shown.progress.ledger))
                (events::events(&shown.events))
            }
            (_, Some(_)) => {
                (life::undelete(shown))
                (receipt(shown.progress.ledger))
                (events::events(&shown.events))
            }
            (_, None) => {
                (secrets::secrets(shown))
                (size::size(shown))
                (events::events(&shown.events))
                (tokens::tokens(shown))
                (life::life(shown))
            }
        }
    };
    page(shown.frame, name, &content)
}

/// A form to one of the tenant's own addresses, with what every form carries.
fn form(shown: &TenantPage<'_>, action: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action={ "/tenants/" (shown.progress.tenant.name) "/" (action) } {
            (parts::csrf(shown.frame))
            (content)
        }
    }
}

/// In place of a form that the caller may not send.
fn may_not(scope: &str) -> Markup {
    html! { p.hint { "Your token may not do this: it lacks " code { (scope) } ". Sign in with one that has it." } }
}
