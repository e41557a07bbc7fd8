//! What is around every page.
//!
//! A page needs this content security policy, and no more: `default-src 'none'; script-src 'self'; style-src 'self';
//! img-src 'self' data:; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'`. The sign-up
//! page with Turnstile needs `https://challenges.cloudflare.com` in `script-src` and `frame-src` as well. The referrer
//! policy is to be `same-origin`: with `no-referrer` browsers send `Origin: null` with a form.

use maud::{DOCTYPE, Markup, html};

use super::parts;

/// Where the stylesheet and the script are; the version comes from `build.rs`.
macro_rules! bundled {
    ($file:literal) => {
        concat!("/static/", env!("ASSETS_VERSION"), "/", $file)
    };
}

/// No style or script of its own making in the page, no code from attributes, no copy of a page kept in the browser's
/// storage, no request to others.
const HTMX: &str = r#"{"includeIndicatorStyles":false,"allowEval":false,"allowScriptTags":false,"selfRequestsOnly":true,"historyEnabled":false,"historyCacheSize":0}"#;

/// Cloudflare's script for Turnstile; it must come from there.
const TURNSTILE: &str = "https://challenges.cloudflare.com/turnstile/v0/api.js";

/// What every page carries.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Proves with each form that it came from this page.
    pub csrf: &'a str,
    /// The tenant whose page the caller has opened with its token.
    pub session: Option<&'a str>,
}

/// A whole document. `title` says first what is particular about the page.
pub(super) fn page(frame: Frame<'_>, title: &str, content: &Markup) -> Markup {
    document(title, "site", false, &header(frame), content)
}

/// The same with Turnstile's script.
pub(super) fn page_with_turnstile(frame: Frame<'_>, title: &str, content: &Markup) -> Markup {
    document(title, "site", true, &header(frame), content)
}

/// A whole document for `class`: people, or operators, whose pages are wider.
pub(super) fn document(title: &str, class: &str, has_turnstile: bool, header: &Markup, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="htmx-config" content=(HTMX);
                title { (title) " · Paramita" }
                link rel="icon" href="/favicon.svg";
                link rel="stylesheet" href=(bundled!("app.css"));
                script type="module" src=(bundled!("app.js")) {}
                @if has_turnstile { script src=(TURNSTILE) async defer {} }
            }
            body class=(class) {
                a.skip href="#main" { "Skip to the content" }
                (header)
                main id="main" tabindex="-1" { (content) }
                p.unseen id="said" role="status" {}
            }
        }
    }
}

fn header(frame: Frame<'_>) -> Markup {
    html! {
        header {
            a.brand href="/" { "Paramita" }
            nav aria-label="Site" {
                a href="/reference.html" { "API" }
                @if let Some(name) = frame.session {
                    a href={ "/tenants/" (name) } { code { (name) } }
                    form method="post" action="/session/end" {
                        (parts::csrf(frame))
                        button.quiet { "Sign out" }
                    }
                } @else {
                    a href="/#open" { "Sign in" }
                    a href="/signup" { "Sign up" }
                }
            }
        }
    }
}
