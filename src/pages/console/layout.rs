//! What is around every page of an operator.

use maud::{Markup, html};

use crate::pages::layout::document;

/// What every page carries.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Proves with each form that it came from one of these pages.
    pub csrf: &'a str,
    /// Who looks at it: an e-mail address.
    pub operator: &'a str,
    /// Where they sign out of Access.
    pub sign_out: &'a str,
    /// Whether they may change things.
    pub may_change: bool,
    /// The part of the plane that the page is about.
    pub section: Section,
}

/// The parts, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// All tenants, and each of them.
    Fleet,
    /// Codes that were handed out.
    Invites,
    /// What tenants are deployed from.
    Releases,
    /// What runs by itself, and what it found.
    Sweeps,
    /// Who did what.
    Audit,
    /// Whether the plane itself is well.
    Doctor,
}

impl Section {
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Fleet, "/admin", "Fleet"),
        (Self::Invites, "/admin/invites", "Invites"),
        (Self::Releases, "/admin/releases", "Releases"),
        (Self::Sweeps, "/admin/sweeps", "Sweeps"),
        (Self::Audit, "/admin/audit", "Audit"),
        (Self::Doctor, "/admin/doctor", "Doctor"),
    ];
}

/// A whole document. `title` says first what is particular about the page.
pub fn page(frame: Frame<'_>, title: &str, content: &Markup) -> Markup {
    document(title, "console", false, &header(frame), content)
}

/// The hidden field that every form carries.
pub fn csrf(frame: Frame<'_>) -> Markup {
    crate::pages::parts::hidden("csrf", frame.csrf)
}

/// What somebody is shown who has not signed in: where to.
pub fn sign_in(login: &str) -> Markup {
    let header = html! { header { a.brand href="/admin" { "Paramita" } } };
    let content = html! {
        h1 { "Sign in" }
        p.lead { "This is the operators' part. Cloudflare Access tells who you are." }
        p { a.button href=(login) { "Sign in with Access" } }
    };
    document("Sign in", "console", false, &header, &content)
}

fn header(frame: Frame<'_>) -> Markup {
    html! {
        header {
            a.brand href="/admin" { "Paramita" }
            nav aria-label="Console" {
                @for (section, href, name) in Section::ALL {
                    a href=(href) aria-current=[(section == frame.section).then_some("page")] { (name) }
                }
            }
            p.who {
                (frame.operator)
                @if !frame.may_change { " " span.pill.still { "viewer" } }
                " " a href=(frame.sign_out) { "Sign out" }
            }
        }
    }
}
