//! What tenants are deployed from.

use maud::{Markup, html};

use super::layout::{Frame, csrf, page};
use crate::pages::parts::{hidden, when};
use crate::registry::ListedRelease;

/// The page.
#[derive(Clone, Copy, Debug)]
pub struct ReleasesPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// Newest first.
    pub releases: &'a [ListedRelease],
    /// What was just done.
    pub notice: Option<&'a str>,
}

/// `GET /admin/releases`.
pub fn releases(shown: &ReleasesPage<'_>) -> Markup {
    let content = html! {
        h1 { "Releases" }
        p.lead { "What tenants' Workers are deployed from. A release never changes; tenants stay with theirs until somebody moves them." }
        @if let Some(notice) = shown.notice { p.notice.good role="status" { (notice) } }
        section.card aria-labelledby="list-title" {
            h2 id="list-title" { "Published" }
            @if shown.releases.is_empty() {
                p { "None yet, so nobody can sign up. Publish one with " code { "node tools/publish-release.mjs" } "." }
            }
            ul.rows {
                @for release in shown.releases { li { (line(shown.frame, release)) } }
            }
        }
    };
    page(shown.frame, "Releases", &content)
}

fn line(frame: Frame<'_>, release: &ListedRelease) -> Markup {
    html! {
        div {
            code { (release.id) }
            @if release.is_default { " " span.pill.good { "sign-ups get it" } }
        }
        p.hint {
            "published " (when(release.created_at))
            @if let Some(at) = release.default_since { ", given to sign-ups " (when(at)) }
            " · " a href={ "/admin?release=" (release.id) } { "tenants that have it" }
        }
        @if !release.is_default && frame.may_change {
            details {
                summary { "Give it to sign-ups" }
                form method="post" action="/admin/releases/default" {
                    (csrf(frame))
                    (hidden("id", &release.id.0))
                    p { "Whoever signs up from now on gets it. Tenants that are there stay with theirs." }
                    button { "Give it to sign-ups" }
                }
            }
        }
    }
}
