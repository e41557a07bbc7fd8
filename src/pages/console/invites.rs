//! Invites: made, seen, revoked.

use maud::{Markup, html};

use super::layout::{Frame, csrf, page};
use crate::clock::Timestamp;
use crate::pages::parts::{FieldError, copyable, described_by, error_of, error_summary, field, hidden, until, when};
use crate::tenant::InstanceType;

/// The page.
#[derive(Clone, Copy, Debug)]
pub struct InvitesPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// Newest first.
    pub invites: &'a [InviteLine<'a>],
    /// Where those before are; `None`: there are none.
    pub older: Option<&'a str>,
    /// Whether sign-up asks for one.
    pub are_needed: bool,
    /// What was typed into the form that came back, by field.
    pub typed: &'a [(&'a str, &'a str)],
    /// What is wrong with it.
    pub errors: &'a [FieldError<'a>],
    /// What was just done.
    pub notice: Option<&'a str>,
}

/// An invite.
#[derive(Clone, Copy, Debug)]
pub struct InviteLine<'a> {
    /// What it is called by.
    pub id: &'a str,
    /// `good`, `used`, `revoked` or `expired`.
    pub state: &'a str,
    /// The only name that it is for.
    pub name: Option<&'a str>,
    /// The largest size that it is for.
    pub largest: Option<&'a str>,
    /// For whom it is.
    pub owner: Option<&'a str>,
    /// The operator's words.
    pub note: Option<&'a str>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops being good.
    pub expires_at: Timestamp,
    /// The id of the tenant that signed up with it.
    pub used_by: Option<&'a str>,
}

/// `GET /admin/invites`.
pub fn invites(shown: &InvitesPage<'_>) -> Markup {
    let content = html! {
        h1 { "Invites" }
        @if !shown.are_needed {
            p.notice { "Sign-up asks for no invite at the moment (SIGNUP_MODE). One that is shown all the same counts." }
        }
        @if let Some(notice) = shown.notice { p.notice.good role="status" { (notice) } }
        (error_summary(shown.errors))
        @if shown.frame.may_change { (form(shown)) }
        section.card aria-labelledby="list-title" {
            h2 id="list-title" { "Invites" }
            @if shown.invites.is_empty() {
                p { "None yet. Make one above, and hand its code to whoever is to sign up." }
            } @else {
                ul.rows {
                    @for invite in shown.invites { li { (line(shown.frame, invite)) } }
                }
                @if let Some(older) = shown.older { p { a href=(older) { "Show older ones" } } }
            }
        }
    };
    page(shown.frame, "Invites", &content)
}

fn form(shown: &InvitesPage<'_>) -> Markup {
    let typed = |name: &str| shown.typed.iter().find(|(field, _)| *field == name).map_or("", |(_, text)| text);
    let text = |id: &str, label: &str, hint: &str, max: usize| {
        let error = error_of(shown.errors, id);
        let control = html! {
            input type="text" id=(id) name=(id) value=(typed(id)) maxlength=(max) autocomplete="off" spellcheck="false"
                aria-describedby=(described_by(id)) aria-invalid=[error.map(|_| "true")];
        };
        field(id, label, hint, error, &control)
    };
    let sizes = html! {
        select id="largest" name="largest" aria-describedby=(described_by("largest")) {
            option value="" { "Any" }
            @for size in InstanceType::ALL {
                option value=(size.as_str()) selected[typed("largest") == size.as_str()] { (size.as_str()) }
            }
        }
    };
    let days = html! {
        input type="number" id="expires_in_days" name="expires_in_days" min="1" max="365"
            value=(if typed("expires_in_days").is_empty() { "7" } else { typed("expires_in_days") })
            aria-describedby=(described_by("expires_in_days"));
    };
    let days_error = error_of(shown.errors, "expires_in_days");
    html! {
        form.card method="post" action="/admin/invites" aria-labelledby="make-title" {
            h2 id="make-title" { "Make an invite" }
            (csrf(shown.frame))
            div.columns {
                (text("note", "Note", "For you: whom it is for, and why.", 500))
                (text("owner", "Owner", "Whose tenant it will be, such as a team. Empty: nobody's in particular.", 64))
                (text("name", "Tenant's name", "The only name that it is good for. Empty: any.", 63))
                (field("largest", "Largest size", "The largest that its tenant may ever choose.", error_of(shown.errors, "largest"), &sizes))
                (field("expires_in_days", "Days", "How long the code is good for.", days_error, &days))
            }
            button { "Make an invite" }
        }
    }
}

fn line(frame: Frame<'_>, invite: &InviteLine<'_>) -> Markup {
    let tone = match invite.state {
        "good" => "good",
        "used" => "busy",
        _ => "still",
    };
    html! {
        div {
            span.pill.(tone) { (invite.state) } " "
            strong { (invite.note.or(invite.owner).or(invite.name).unwrap_or("for anyone")) } " "
            code.hint { (invite.id) }
        }
        p.hint {
            "made " (when(invite.created_at)) ", good until " (until(invite.expires_at))
            @if let Some(name) = invite.name { " · for the name " code { (name) } }
            @if let Some(owner) = invite.owner { " · owner " (owner) }
            @if let Some(largest) = invite.largest { " · up to " (largest) }
            @if let Some(tenant) = invite.used_by { " · " a href={ "/admin/tenants/" (tenant) } { "its tenant" } }
        }
        @if invite.state == "good" && frame.may_change {
            details {
                summary { "Revoke" }
                form method="post" action="/admin/invites/revoke" {
                    (csrf(frame))
                    (hidden("id", invite.id))
                    p { "Whoever has the code cannot sign up with it any more." }
                    button.danger { "Revoke it" }
                }
            }
        }
    }
}

/// An invite that was made: its code, this once. `sign_up` is where it is used.
pub fn made(frame: Frame<'_>, code: &str, sign_up: &str, expires_at: Timestamp) -> Markup {
    let content = html! {
        h1 { "Hand this over" }
        section.card {
            p.notice.warn {
                strong { "You will not see this again." }
                " The plane keeps no more of it than it needs to know it again."
            }
            dl.values {
                (copyable("code", "Invite code", code))
                (copyable("where", "Where to sign up", sign_up))
            }
            p { "Good for one sign-up until " (until(expires_at)) "." }
        }
        p { a href="/admin/invites" { "Back to the invites" } }
    };
    page(frame, "An invite", &content)
}
