//! How far the plane is with what was asked of it: steps that tick off, by themselves where scripts run.

use maud::{Markup, html};

use crate::clock::Timestamp;
use crate::tenant::{Ledger, Phase, ResourceKind, ResourceState, Tenant};

/// What is shown of it.
#[derive(Clone, Copy, Debug)]
pub struct Progress<'a> {
    /// Whose.
    pub tenant: &'a Tenant,
    /// What exists.
    pub ledger: &'a Ledger,
    /// Where it answers, once it does.
    pub address: Option<&'a str>,
    /// Changes whenever anything here does, such as the generation and the last event's number; for a URL.
    pub mark: &'a str,
    /// The present: whether data is still kept depends on it.
    pub now: Timestamp,
}

/// What is being made of a tenant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Running,
    Suspended,
    DataOnly,
    Nothing,
}

impl Progress<'_> {
    /// Whether nothing more will change by itself.
    pub fn is_settled(&self) -> bool {
        let tenant = self.tenant;
        tenant.phase == Phase::Failed || tenant.phase == Phase::Deleted || self.is_converged()
    }

    /// Whether it answers at its address, everything being as it was asked for.
    fn is_running(&self) -> bool {
        self.goal() == Goal::Running && self.is_converged() && self.tenant.phase != Phase::Failed
    }

    fn is_converged(&self) -> bool {
        let tenant = self.tenant;
        let is_over = match tenant.deletion {
            None => !matches!(tenant.phase, Phase::Pending | Phase::Updating),
            // Until its data goes there is nothing left to do but to wait.
            Some(deletion) => self.goal() == Goal::DataOnly && tenant.due_at == Some(deletion.keep_data_until),
        };
        is_over && tenant.observed_generation >= tenant.generation
    }

    fn goal(&self) -> Goal {
        match (self.tenant.deletion, self.tenant.suspended_at) {
            (Some(deletion), _) if self.now < deletion.keep_data_until => Goal::DataOnly,
            (Some(_), _) => Goal::Nothing,
            (None, Some(_)) => Goal::Suspended,
            (None, None) => Goal::Running,
        }
    }

    /// Each step, and whether it is done; the last is done when everything is.
    fn steps(&self) -> impl Iterator<Item = (&'static str, bool)> {
        use ResourceKind::{Application, Bucket, Route, Script};
        let (wanted, steps): (_, &[(ResourceKind, &'static str)]) = match self.goal() {
            Goal::Running => (
                ResourceState::Present,
                &[
                    (Bucket, "Storage for its data"),
                    (Script, "Its Worker, with the secrets"),
                    (Application, "Its container"),
                    (Route, "Its address"),
                ],
            ),
            Goal::Suspended => {
                (ResourceState::Absent, &[(Route, "Its address is closed"), (Application, "Its container is removed")])
            }
            Goal::DataOnly => (
                ResourceState::Absent,
                &[
                    (Route, "Its address is closed"),
                    (Application, "Its container is removed"),
                    (Script, "Its Worker and secrets are removed"),
                ],
            ),
            Goal::Nothing => (
                ResourceState::Absent,
                &[
                    (Application, "Its container is removed"),
                    (Script, "Its Worker and secrets are removed"),
                    (Bucket, "Its data is removed"),
                ],
            ),
        };
        let is_over = self.is_converged() || self.tenant.phase == Phase::Deleted;
        let ledger = self.ledger;
        // A release without a container has none to wait for: what is over is done.
        let steps = steps.iter().map(move |(kind, words)| (*words, is_over || ledger.get(*kind).state == wanted));
        steps.chain([("All checked", is_over)])
    }

    fn words(&self) -> &'static str {
        let (is_failed, is_over) = (self.tenant.phase == Phase::Failed, self.is_settled());
        match self.goal() {
            _ if is_failed => "It has stopped: something needs you. The page of your tenant says what.",
            Goal::Running if is_over => "It is ready.",
            Goal::Running if self.tenant.phase == Phase::Pending => "It is being made.",
            Goal::Running => "The change is being made.",
            Goal::Suspended if is_over => "It stands still. Its data is kept.",
            Goal::Suspended => "It is being suspended.",
            Goal::DataOnly if is_over => "It is deleted. Its data is still kept.",
            Goal::Nothing if is_over => "It is deleted, with its data.",
            Goal::DataOnly | Goal::Nothing => "It is being deleted.",
        }
    }
}

/// The part of a page that goes on by itself. What is said aloud stays in place and changes only when something did.
pub fn progress(progress: &Progress<'_>) -> Markup {
    html! {
        p.progress-said id="progress-said" role="status" { (said(progress)) }
        (list(progress))
    }
}

/// What answers the poll when something has changed.
pub fn fragment(progress: &Progress<'_>) -> Markup {
    html! {
        (list(progress))
        p id="progress-said" hx-swap-oob="innerHTML" { (said(progress)) }
    }
}

fn said(progress: &Progress<'_>) -> Markup {
    let (done, all) =
        progress.steps().fold((0_u32, 0_u32), |(done, all), (_, is_done)| (done + u32::from(is_done), all + 1));
    html! { (progress.words()) @if !progress.is_settled() { " " (done) " of " (all) " steps done." } }
}

fn list(progress: &Progress<'_>) -> Markup {
    let name = progress.tenant.name.as_str();
    let is_settled = progress.is_settled();
    // Polling ends with the attributes that ask for it.
    let poll = (!is_settled).then(|| format!("/tenants/{name}/progress?seen={}", progress.mark));
    let mut is_next = !is_settled;
    html! {
        div id="progress" hx-get=[poll] hx-trigger="every 2s" hx-swap="outerHTML" {
            ol.steps {
                @for (words, is_done) in progress.steps() {
                    @let is_doing = !is_done && std::mem::take(&mut is_next);
                    li class=(if is_done { "done" } else if is_doing { "doing" } else { "waiting" }) {
                        (words)
                        span.unseen { (if is_done { ": done" } else if is_doing { ": under way" } else { ": to do" }) }
                    }
                }
            }
            @if !is_settled {
                noscript { p { a href={ "/tenants/" (name) } { "See on its page how far it is" } } }
            } @else {
                p.actions {
                    @if let Some(address) = progress.address.filter(|_| progress.is_running()) { a.button href=(address) { "Open " (name) } }
                    a href={ "/tenants/" (name) } { "Go to the page of your tenant" }
                }
            }
        }
    }
}
