//! The plane itself: what it may still ask of Cloudflare, what waits, what runs by itself, what is left of the account, and
//! what all of it costs.

use maud::{Markup, html};

use super::Now;
use crate::cost::Money;
use crate::fleet::grouped;
use crate::pages::parts::when;
use crate::registry::fleet::JobRow;

/// The part below the list that goes on by itself.
pub fn plane(now: &Now<'_>) -> Markup {
    html! { div id="plane" { (content(now)) } }
}

pub fn content(now: &Now<'_>) -> Markup {
    html! {
        div.pair {
            (work(now))
            (limits(now))
        }
        (cost(now))
    }
}

fn work(now: &Now<'_>) -> Markup {
    let (backlog, budget) = (now.overview.backlog, now.overview.budget);
    html! {
        section.card aria-labelledby="work-title" {
            h2 id="work-title" { "Work" }
            p {
                strong { (grouped(backlog.due.into())) (if backlog.has_more { " or more" } else { "" }) }
                (if backlog.due == 1 { " tenant waits" } else { " tenants wait" }) " for a round"
                @if let Some(at) = backlog.oldest_due { ", the first since " (when(at)) } "."
            }
            p {
                strong { (grouped(now.state.calls_left.into())) } " of " (grouped(now.most_calls.into()))
                " calls to Cloudflare could be made at once."
                @if now.state.calls_left == 0 && budget.blocked_until > budget.booked_until {
                    " Cloudflare takes none until " (when(budget.blocked_until)) "."
                }
            }
            (bar(now.state.calls_left.into(), now.most_calls.into(), false))
            h3 { "Sweeps" }
            @if now.overview.jobs.is_empty() {
                p { "None has run yet. The cron trigger begins them, every minute." }
            } @else {
                table {
                    thead { tr { th scope="col" { "Sweep" } th scope="col" { "Last begun" } th scope="col" { "Ended" } } }
                    tbody { @for job in &now.overview.jobs { (sweep(job)) } }
                }
            }
        }
    }
}

fn sweep(job: &JobRow) -> Markup {
    let (tone, word) = match job.outcome.as_deref() {
        Some("done") => ("good", "done"),
        Some("unfinished") => ("busy", "goes on"),
        Some("failed") => ("bad", "failed"),
        _ => ("still", "not yet"),
    };
    html! {
        tr {
            th scope="row" { (job.name) }
            td { (when(job.started_at)) }
            td { span.pill.(tone) { (word) } }
        }
    }
}

fn limits(now: &Now<'_>) -> Markup {
    html! {
        section.card aria-labelledby="limits-title" {
            h2 id="limits-title" { "Of the account's limits" }
            ul.bars {
                @for one in &now.state.limits {
                    li {
                        span { (one.limit.unit()) }
                        span.number { (grouped(one.used)) " of " (grouped(one.of)) }
                        (bar(one.used, one.of, true))
                    }
                }
            }
        }
    }
}

fn cost(now: &Now<'_>) -> Markup {
    let cost = &now.state.cost;
    let most = cost.by_size.iter().map(|size| size.monthly).max().unwrap_or_default();
    html! {
        section.card aria-labelledby="cost-title" {
            h2 id="cost-title" { "A month costs " (dollars(cost.total)) }
            p.hint { "Those that run, awake around the clock with light use. What stands still costs nothing but storage." }
            table.costs {
                thead { tr { th scope="col" { "Size" } th.number scope="col" { "A month" } td {} } }
                tbody {
                    @for size in &cost.by_size {
                        tr {
                            th scope="row" {
                                (size.instance_type.as_str()) " "
                                small {
                                    (grouped(size.tenants)) (if size.tenants == 1 { " tenant, " } else { " tenants, " })
                                    (grouped(size.instances.into())) (if size.instances == 1 { " instance" } else { " instances" })
                                }
                            }
                            td.number { (dollars(size.monthly)) }
                            td { (bar(size.monthly.cents(), most.cents(), false)) }
                        }
                    }
                    tr { th scope="row" { "Included in the plan" } td.number { "−" (dollars(cost.included)) } td {} }
                    tr { th scope="row" { "Workers Paid plan" } td.number { (dollars(cost.plan)) } td {} }
                }
            }
        }
    }
}

/// An amount with its thousands apart.
fn dollars(money: Money) -> String {
    let cents = money.cents();
    format!("${}.{:02}", grouped(cents / 100), cents % 100)
}

/// A bar, for those who see it; the numbers stand beside it. `is_scarce`: what is nearly full is drawn so.
fn bar(part: u64, whole: u64, is_scarce: bool) -> Markup {
    // Tenths of a percent. Something is never drawn as nothing.
    let width = part.min(whole).saturating_mul(1_000).checked_div(whole).unwrap_or_default();
    let width = width.max(u64::from(part > 0) * 5);
    let tone = match width {
        1_000.. if is_scarce => "bad",
        900.. if is_scarce => "warn",
        _ => "busy",
    };
    html! {
        svg.bar.(tone) viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" {
            rect width=(width) height="10" {}
        }
    }
}
