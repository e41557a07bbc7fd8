//! All tenants: whether all is well, what needs a person, each of them, and the plane itself.
//!
//! What is read goes on by itself: the page asks [`news`] every few seconds. What somebody may be typing or choosing is not
//! touched by that: of the list only the words of each tenant's state change.

pub mod acts;
mod list;
mod plane;

use maud::{Markup, html};

use super::layout::{Frame, page};
use super::tenant::phase;
use crate::clock::Timestamp;
use crate::fleet::{State, count, grouped, why};
use crate::pages::parts::{FieldError, error_summary, when};
use crate::registry::fleet::{Asked, Named, Overview, Page};
use crate::tenant::{Phase, Tenant};

/// The controls of the search that are written into.
pub const TEXTS: [&str; 3] = ["name", "owner", "release"];

/// The phases, what a person has to do with first.
const PHASES: [Phase; 6] =
    [Phase::Failed, Phase::Pending, Phase::Updating, Phase::Deleting, Phase::Ready, Phase::Suspended];

/// The page.
#[derive(Clone, Copy, Debug)]
pub struct FleetPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// What goes on by itself.
    pub now: Now<'a>,
    /// What was asked for.
    pub asked: &'a Asked,
    /// What was written into each of [`TEXTS`].
    pub typed: [&'a str; 3],
    /// The filter and the order as a query: empty, or with `&` at its end.
    pub query: &'a str,
    /// What is wrong with what was asked for.
    pub errors: &'a [FieldError<'a>],
}

/// How all of it stands at the moment.
#[derive(Clone, Copy, Debug)]
pub struct Now<'a> {
    /// What the registry says.
    pub overview: &'a Overview,
    /// What follows from it.
    pub state: &'a State,
    /// The tenants that are listed.
    pub page: &'a Page,
    /// Most calls to Cloudflare that could be made at once.
    pub most_calls: u32,
    /// Where the page asks for news, without `seen`: ends with `?` or `&`.
    pub poll: &'a str,
}

/// `GET /admin`.
pub fn fleet(shown: &FleetPage<'_>) -> Markup {
    let content = html! {
        h1 { "Fleet" }
        p.verdict id="fleet-said" role="status" { (said(&shown.now)) }
        (standing(&shown.now, &marks(&shown.now)))
        (error_summary(shown.errors))
        (list::list(shown))
        (plane::plane(&shown.now))
    };
    page(shown.frame, "Fleet", &content)
}

/// What changes on the page, in the words of their marks: what is said first, and all else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks(String, String);

impl Marks {
    /// As they stand in an address.
    pub fn text(&self) -> String {
        format!("{}.{}", self.0, self.1)
    }
}

/// The marks of how it stands.
pub fn marks(now: &Now<'_>) -> Marks {
    let mark = |markup: Markup| {
        use sha2::{Digest, Sha256};
        let digest = Sha256::digest(markup.into_string());
        crate::tenant::id::hex(digest.get(..6).unwrap_or(&digest))
    };
    let rest = html! { (parts(now)) (plane::plane(now)) (list::states(now.page, false)) };
    Marks(mark(said(now)), mark(rest))
}

/// What answers the page that was last told `seen`; `None`: nothing is new.
pub fn news(now: &Now<'_>, seen: &str) -> Option<Markup> {
    let marks = marks(now);
    let seen_said = seen.split('.').next().unwrap_or_default();
    let news = || {
        html! {
            (standing(now, &marks))
            // Said aloud only when it is another thing.
            @if seen_said != marks.0 { p id="fleet-said" hx-swap-oob="innerHTML" { (said(now)) } }
            div id="plane" hx-swap-oob="innerHTML" { (plane::content(now)) }
            (list::states(now.page, true))
        }
    };
    (seen != marks.text()).then(news)
}

fn said(now: &Now<'_>) -> Markup {
    let (state, needy) = (now.state, needy(now.overview));
    html! {
        @if now.overview.fleet.is_empty() && state.troubles.is_empty() {
            "Nobody has signed up yet."
        } @else if state.troubles.is_empty() {
            span.pill.good { "well" } " All is well with " (grouped(state.tenants)) (if state.tenants == 1 { " tenant." } else { " tenants." })
        } @else {
            span.pill.bad { "look" } " " (state.troubles.len()) (if state.troubles.len() == 1 { " thing needs" } else { " things need" })
            " a look" @if needy > 0 { ", " (needy) (if needy == 1 { " tenant" } else { " tenants" }) " among them" } "."
        }
    }
}

/// Tenants that are named as in need of a person, each counted once.
fn needy(overview: &Overview) -> usize {
    let named = [&overview.failed, &overview.overdue, &overview.lack_secrets];
    let mut ids: Vec<&str> = named.iter().flat_map(|named| &named.tenants).map(|tenant| tenant.id.0.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ids.len()
}

/// The part above the list that goes on by itself.
fn standing(now: &Now<'_>, marks: &Marks) -> Markup {
    let poll = format!("{}seen={}", now.poll, marks.text());
    html! {
        div id="standing" hx-get=(poll) hx-trigger="every 5s" hx-swap="outerHTML" { (parts(now)) }
    }
}

fn parts(now: &Now<'_>) -> Markup {
    let overview = now.overview;
    html! {
        @if !now.state.troubles.is_empty() {
            section.notice.bad aria-label="What is not well" {
                ul { @for trouble in &now.state.troubles { li { (trouble) } } }
            }
        }
        @if needy(overview) > 0 {
            section.card aria-labelledby="needs-title" {
                h2 id="needs-title" { "Needs a person" }
                (named("failed", "Failed", "Ready", &overview.failed, "/admin?phase=failed#tenants"))
                (named("overdue", "On the way for too long", "Ready", &overview.overdue, "/admin?condition=Stalled#tenants"))
                (named("secrets", "Secrets missing", "SecretsReady", &overview.lack_secrets, "/admin?condition=SecretsReady#tenants"))
            }
        }
        ul.counts aria-label="Tenants by phase" {
            @for one in PHASES {
                @let (tone, word) = phase(one);
                @let number = count(&overview.fleet, one);
                li {
                    a.(if number == 0 { "still" } else { tone }) id={ "count-" (word) } href={ "/admin?phase=" (word) "#tenants" } {
                        strong { (grouped(number)) } " " (word)
                    }
                }
            }
        }
    }
}

/// Some tenants under a title, each with what its condition `kind` says.
fn named(id: &str, title: &str, kind: &str, named: &Named, all: &str) -> Markup {
    html! {
        @if !named.tenants.is_empty() {
            h3 { (title) }
            ul.rows { @for tenant in &named.tenants { li { (needs(id, kind, tenant)) } } }
            @if named.has_more { p { a id={ "all-" (id) } href=(all) { "All of these" } } }
        }
    }
}

fn needs(of: &str, kind: &str, tenant: &Tenant) -> Markup {
    let (since, why): (Timestamp, &str) = why(tenant, kind);
    let (tone, word) = phase(tenant.phase);
    html! {
        div {
            a id={ (of) "-" (tenant.id) } href={ "/admin/tenants/" (tenant.id) } { strong { (tenant.name) } }
            " " span.pill.(tone) { (word) } " " span.hint { "since " (when(since)) }
        }
        p.why { (why) }
    }
}
