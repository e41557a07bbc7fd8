//! Secrets: their names and states, never their values.

use maud::{Markup, html};

use super::{TenantPage, form, may_not};
use crate::clock::Timestamp;
use crate::pages::parts::{self, error_of, hidden, when};

/// All or none of these: the key that opens the tenant's bucket over S3.
const R2_GROUP: [&str; 3] = ["R2_ACCESS_KEY_ID", "R2_SECRET_ACCESS_KEY", "CF_ACCOUNT_ID"];

/// A secret: everything but its value.
#[derive(Clone, Copy, Debug)]
pub struct SecretLine<'a> {
    /// Its name.
    pub name: &'a str,
    /// What the release says of it.
    pub need: Need,
    /// How it stands.
    pub state: SecretState,
    /// Counts its values; 0 before the first.
    pub version: i64,
    /// When it was last set.
    pub updated_at: Option<Timestamp>,
}

/// What a release says of a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// OpenClaw does not work without.
    Required,
    /// It may be set.
    Optional,
    /// The plane made its first value.
    Generated,
    /// Nothing: the tenant added it.
    Extra,
}

/// How a secret stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretState {
    /// Not set.
    Missing,
    /// Its Worker has it.
    Live,
    /// On its way to the Worker.
    Pending,
    /// Its value was lost before it arrived: it must be set again.
    Lost,
    /// On its way out.
    Removing,
}

impl SecretState {
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Missing => ("still", "Not set"),
            Self::Live => ("good", "Live"),
            Self::Pending => ("busy", "On its way"),
            Self::Lost => ("bad", "Set it again"),
            Self::Removing => ("busy", "Being removed"),
        }
    }
}

impl SecretLine<'_> {
    fn is_missing(&self) -> bool {
        matches!(self.state, SecretState::Missing | SecretState::Lost)
    }

    /// Whether it is to be set: OpenClaw does not work without, or it had one that was lost.
    pub(super) fn is_needed(&self) -> bool {
        self.is_missing() && (matches!(self.need, Need::Required | Need::Generated) || self.state == SecretState::Lost)
    }

    fn is_of_r2(&self) -> bool {
        R2_GROUP.contains(&self.name)
    }
}

pub fn secrets(shown: &TenantPage<'_>) -> Markup {
    let may = shown.may.secrets;
    let needed = |line: &&SecretLine<'_>| line.is_needed() && !line.is_of_r2();
    let is_listed = |line: &&SecretLine<'_>| !line.is_of_r2() && (!may || !line.is_needed());
    let is_asked = may && shown.secrets.iter().any(|line| needed(&line));
    html! {
        section.card id="secrets" aria-labelledby="secrets-title" {
            h2 id="secrets-title" { "Secrets" }
            p.hint { "Values go straight to your Worker. Nobody can read them back, so keep a copy of your own." }
            @if !may { (may_not("secrets")) }
            @if is_asked {
                div.notice.warn {
                    h3 { "OpenClaw needs these to work" }
                    (form(shown, "secrets", &html! {
                        @for line in shown.secrets.iter().filter(needed) { (value_field(shown, line.name, line.name)) }
                        button { "Set them" }
                    }))
                }
            }
            ul.rows {
                @for line in shown.secrets.iter().filter(is_listed) { (row(shown, line, may)) }
            }
            (r2(shown, may))
            @if may { (paste(shown)) }
        }
    }
}

fn row(shown: &TenantPage<'_>, line: &SecretLine<'_>, may: bool) -> Markup {
    html! {
        li {
            (summary(line))
            @if may && line.state != SecretState::Removing {
                details {
                    summary { (if line.is_missing() { "Set" } else { "Replace or delete" }) span.unseen { " " (line.name) } }
                    (form(shown, "secrets", &html! {
                        (value_field(shown, line.name, "New value"))
                        button { "Save" }
                    }))
                    @if !line.is_missing() { (delete(shown, line)) }
                }
            }
        }
    }
}

fn summary(line: &SecretLine<'_>) -> Markup {
    let (tone, words) = line.state.words();
    html! {
        div {
            code { (line.name) }
            " " span class={ "pill " (tone) } { (words) }
        }
        div.hint {
            (match line.need {
                Need::Required => "Required",
                Need::Optional => "Optional",
                Need::Generated if line.is_missing() => "Deleted; nobody can open OpenClaw until you set another",
                Need::Generated => "Made for you at sign-up",
                Need::Extra => "Added by you",
            })
            @if let Some(at) = line.updated_at { " · version " (line.version) ", set " (when(at)) }
        }
    }
}

fn delete(shown: &TenantPage<'_>, line: &SecretLine<'_>) -> Markup {
    let warning = match line.need {
        Need::Required => "OpenClaw does not work without it.",
        Need::Generated => "Nobody can open OpenClaw until you set another.",
        Need::Optional | Need::Extra => "Your Worker loses it within seconds.",
    };
    form(
        shown,
        "secrets/delete",
        &html! {
            (hidden("name", line.name))
            button.danger { "Delete" span.unseen { " " (line.name) } }
            " " span.hint { (warning) }
        },
    )
}

/// Three that make sense only together.
fn r2(shown: &TenantPage<'_>, may: bool) -> Markup {
    let lines = || shown.secrets.iter().filter(|line| line.is_of_r2());
    html! {
        @if lines().next().is_some() {
            h3 { "Backup to your storage (R2)" }
            p.hint { "All three or none. Without them what OpenClaw keeps is lost when its container restarts." }
            @if lines().any(|line| !line.is_missing()) { ul.rows { @for line in lines() { li { (summary(line)) } } } }
            @if may {
                details {
                    summary { "Set all three" }
                    (form(shown, "secrets", &html! {
                        @for line in lines() { (value_field(shown, line.name, line.name)) }
                        button { "Save all three" }
                    }))
                }
            }
        }
    }
}

fn paste(shown: &TenantPage<'_>) -> Markup {
    let error = error_of(shown.errors, "paste");
    let control = html! {
        textarea.mono id="paste" name="paste" rows="4" autocomplete="off" spellcheck="false" autocapitalize="off"
            aria-describedby=(parts::described_by("paste")) aria-invalid=[error.map(|_| "true")] {}
    };
    html! {
        details open[error.is_some()] {
            summary { "Paste several, or add others" }
            (form(shown, "secrets", &html! {
                (parts::field("paste", "Lines of NAME=value", "As in a .env file. Those that you leave out stay as they are.",
                    error, &control))
                button { "Set them" }
            }))
        }
    }
}

fn value_field(shown: &TenantPage<'_>, name: &str, label: &str) -> Markup {
    let id = format!("value.{name}");
    let error = error_of(shown.errors, &id);
    parts::field(&id, label, "", error, &parts::secret_input(&id, error.is_some()))
}
