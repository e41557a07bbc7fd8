//! Whether the plane itself is well.

use maud::{Markup, html};

use super::layout::{Frame, page};
use crate::doctor::{Finding, Group, Report, Verdict};
use crate::pages::parts::when;

/// The page.
#[derive(Clone, Copy, Debug)]
pub struct DoctorPage<'a> {
    /// What is around it.
    pub frame: Frame<'a>,
    /// What was found.
    pub report: &'a Report,
}

/// `GET /admin/doctor`.
pub fn doctor(shown: &DoctorPage<'_>) -> Markup {
    let DoctorPage { frame, report } = shown;
    let verdict = report.verdict();
    let content = html! {
        div.title {
            h1 { "Doctor" }
            span class={ "pill " (tone(verdict)) } { (overall(verdict)) }
        }
        p.lead { "The deployment itself: what Cloudflare lets the plane do, the plane's own parts, and who may come in." }
        div.actions {
            a.button href="/admin/doctor" { "Check again" }
            span.hint { "Checked " (when(report.checked_at)) }
        }
        (bad(report, Verdict::Failed, "Does not work"))
        (bad(report, Verdict::Warning, "To look at"))
        (good(report))
    };
    page(*frame, "Doctor", &content)
}

/// What to do something about.
fn bad(report: &Report, verdict: Verdict, title: &str) -> Markup {
    html! {
        @if of(report, verdict).next().is_some() {
            section.card aria-labelledby=(verdict.as_str()) {
                h2 id=(verdict.as_str()) { (title) }
                ul.conditions { @for finding in of(report, verdict) { (line(finding)) } }
            }
        }
    }
}

/// What is well, family by family.
fn good(report: &Report) -> Markup {
    let of_group = |group| of(report, Verdict::Ok).filter(move |finding| finding.check.group() == group);
    html! {
        @if of(report, Verdict::Ok).next().is_some() {
            section.card aria-labelledby="ok" {
                h2 id="ok" { "Well" }
                @for group in Group::ALL {
                    @if of_group(group).next().is_some() {
                        h3 { (group.title()) }
                        ul.conditions { @for finding in of_group(group) { (line(finding)) } }
                    }
                }
            }
        }
    }
}

fn of(report: &Report, verdict: Verdict) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(move |finding| finding.verdict == verdict)
}

fn line(finding: &Finding) -> Markup {
    let help = finding.check.help();
    html! {
        li class=(tone(finding.verdict)) id=(finding.check.as_str()) {
            p { strong { (finding.check.title()) } }
            p { (finding.why) }
            @if !finding.next.is_empty() {
                p {
                    (finding.next)
                    @if !help.is_empty() { " " a href=(help) { "Cloudflare's page" span.unseen { " on " (finding.check.title()) } } }
                }
            }
        }
    }
}

fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "good",
        Verdict::Warning => "warn",
        Verdict::Failed => "bad",
    }
}

fn overall(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Ok => "all is well",
        Verdict::Warning => "something to look at",
        Verdict::Failed => "something does not work",
    }
}
