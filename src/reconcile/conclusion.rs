//! What the registry is told at the end of a round: phase, conditions, when the tenant is due next. Pure.

use super::backoff;
use super::desired::Desired;
use super::report::Outcome;
use super::verdict::Obstacle;
use crate::clock::Timestamp;
use crate::registry::RoundEnd;
use crate::release::manifest::Profile;
use crate::tenant::event::Event;
use crate::tenant::{Condition, Phase, Resource, Restart, Status, Tenant, condition};
use crate::vault::Secret;
use crate::vault::secret::Wanted;

/// How long a tenant waits that stands still because of the plane's own token.
const UNAUTHORIZED_WAIT_MS: i64 = 15 * 60 * 1_000;

/// From telling containers to restart until none runs that did not: SIGTERM, and SIGKILL after 15 minutes
/// (developers.cloudflare.com/containers/configuration/rollouts); a minute more for the call itself.
pub const RESTART_MS: i64 = 16 * 60 * 1_000;

/// What follows it in a condition is said to callers of the API; a page has a button for it.
pub const TRY_AGAIN: &str = "Then try again:";

/// What parts the names of secrets on their way from the time since which they wait.
pub const WAITING_SINCE: &str = "; waiting since ";

/// Why a round stopped planning.
pub enum Stop {
    /// Nothing is left to do.
    Converged,
    /// More than fits into one round.
    Unfinished,
    /// Calls are booked, and others have their turn before.
    Booked {
        /// When it is this tenant's turn.
        at: Timestamp,
    },
    /// Something is in the way.
    Obstacle(Obstacle),
}

impl Stop {
    /// How the round ended, for the report.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Converged => Outcome::Converged,
            Self::Unfinished | Self::Booked { .. } => Outcome::Unfinished,
            Self::Obstacle(Obstacle::Lasting { .. }) => Outcome::Stopped,
            Self::Obstacle(_) => Outcome::Waiting,
        }
    }
}

/// What is known at the end of a round.
pub struct Conclusion<'a> {
    /// As it was leased.
    pub tenant: &'a Tenant,
    /// What the release says of secrets.
    pub profile: &'a Profile,
    /// What was wanted.
    pub wanted: &'a Desired,
    /// The line of the container application, as it is now.
    pub application: &'a Resource,
    /// As they are now.
    pub secrets: &'a [Secret],
    /// Spreads waits.
    pub chance: u8,
    /// The present.
    pub now: Timestamp,
}

impl Conclusion<'_> {
    /// Draws it.
    pub fn draw(&self, stop: &Stop) -> RoundEnd {
        let Self { tenant, now, .. } = *self;
        let mut conditions = tenant.conditions.clone();
        let mut end = self.end(stop, &mut conditions);
        if matches!(self.wanted, Desired::Deployed(_)) {
            let was_restarting =
                conditions.iter().any(|former| former.kind == "SecretsReady" && former.reason == "Restarting");
            self.set_secrets_ready(&mut conditions);
            let is_news = |secret: &Secret| secret.live_version != secret.pushed_version;
            end.are_secrets_live = self.restart().is_none() && self.secrets.iter().any(is_news);
            // Said where there was something to wait for, though the condition may have named what is missing meanwhile.
            let has_waited = was_restarting || end.are_secrets_live && self.application.restart().is_some();
            if has_waited && self.restart().is_none() {
                end.events.push(Event::new("SecretsLive", "what runs has the secrets that the Worker has"));
            }
        } else {
            conditions.retain(|condition| condition.kind != "SecretsReady");
        }
        end.events.extend(set_stalled(&mut conditions, tenant, end.phase, end.converged, now));
        RoundEnd { conditions, ..end }
    }

    fn end(&self, stop: &Stop, conditions: &mut Vec<Condition>) -> RoundEnd {
        let Self { tenant, now, .. } = *self;
        let mut ready = |status, reason: &str, message: &str| {
            condition::set(conditions, now, "Ready", status, reason, message);
        };
        let backed_off = |retry_after_s| {
            Some(now.plus_ms(backoff::wait_ms(tenant.attempts, tenant.phase, retry_after_s, self.chance)))
        };
        let still = |due_at, events| RoundEnd {
            phase: tenant.phase,
            conditions: Vec::new(),
            attempts: tenant.attempts,
            due_at,
            converged: false,
            events,
            are_secrets_live: false,
            booked_calls: 0,
            settle_ms: 0,
        };
        match stop {
            Stop::Converged => {
                let (phase, status, reason, message, due_at) = self.converged();
                ready(status, reason, message);
                let is_news = phase != tenant.phase;
                let events = is_news.then(|| Event::new(reason, message)).into_iter().collect();
                RoundEnd { phase, attempts: 0, converged: true, ..still(due_at, events) }
            }
            Stop::Unfinished => {
                ready(Status::False, "InProgress", "more is to be done than fits into one round; it goes on at once");
                RoundEnd { attempts: 0, ..still(Some(now), Vec::new()) }
            }
            Stop::Booked { at } => {
                let message = format!(
                    "waits for its turn at {at}: the account's calls to Cloudflare are shared, and others were first"
                );
                ready(Status::False, "WaitingForTurn", &message);
                RoundEnd { attempts: tenant.attempts.saturating_sub(1), ..still(Some(*at), Vec::new()) }
            }
            Stop::Obstacle(Obstacle::Passing { message, retry_after_s }) => {
                ready(Status::False, "Retrying", message);
                still(backed_off(*retry_after_s), vec![Event::new("Retrying", message.clone())])
            }
            Stop::Obstacle(Obstacle::Unauthorized { message }) => {
                ready(Status::False, "PlaneUnauthorized", message);
                let events = vec![Event::new("PlaneUnauthorized", message.clone())];
                RoundEnd { phase: stopped(tenant.phase), ..still(Some(now.plus_ms(UNAUTHORIZED_WAIT_MS)), events) }
            }
            Stop::Obstacle(Obstacle::Lasting { reason, message }) => {
                let again = format!("{TRY_AGAIN} PATCH /v1/tenants/{} with {{\"spec\": {{}}}}.", tenant.name);
                ready(Status::False, reason, &format!("{message} {again}"));
                // A deletion never gives up; it slows down.
                let due_at = if tenant.phase == Phase::Deleting { backed_off(None) } else { None };
                let events = vec![Event::new(reason, message.clone())];
                RoundEnd { phase: stopped(tenant.phase), ..still(due_at, events) }
            }
        }
    }

    /// Phase, the condition `Ready`, and when there is something to do again.
    fn converged(&self) -> (Phase, Status, &'static str, &'static str, Option<Timestamp>) {
        match (self.wanted, self.tenant.deletion) {
            (Desired::Deployed(deployment), _) if deployment.is_running => {
                let due_at = match self.restart() {
                    Some(Restart::Told(at)) => Some(at.plus_ms(RESTART_MS)),
                    _ => None,
                };
                (Phase::Ready, Status::True, "Converged", "everything is as asked for", due_at)
            }
            (Desired::Deployed(_), _) => {
                let message = "nothing runs, nothing answers and nothing but storage costs; all data is kept";
                (Phase::Suspended, Status::False, "Suspended", message, None)
            }
            (Desired::DataOnly, Some(deletion)) => {
                let message = "Worker, container and route are deleted; the bucket is kept until the grace period ends";
                (Phase::Deleting, Status::False, "DataKept", message, Some(deletion.keep_data_until))
            }
            _ => (Phase::Deleted, Status::False, "Deleted", "nothing is left", None),
        }
    }

    /// Why containers may still run with other secrets than the Worker has; `None`: none does.
    fn restart(&self) -> Option<Restart> {
        let is_over = |restart: &Restart| matches!(restart, Restart::Told(at) if at.plus_ms(RESTART_MS) <= self.now);
        self.application.restart().filter(|restart| !is_over(restart))
    }

    /// Says which secrets are not live, and why.
    fn set_secrets_ready(&self, conditions: &mut Vec<Condition>) {
        let Self { tenant, profile, secrets, now, .. } = *self;
        let is_set = |name: &String| {
            secrets
                .iter()
                .any(|secret| secret.name.as_str() == name && secret.wanted == Wanted::Set && !secret.is_lost())
        };
        let names_of = |which: fn(&Secret) -> bool| -> Vec<&str> {
            secrets.iter().filter(|secret| which(secret)).map(|secret| secret.name.as_str()).collect()
        };
        let missing: Vec<&str> = profile.required.iter().filter(|name| !is_set(name)).map(String::as_str).collect();
        let (lost, unpushed) = (names_of(Secret::is_lost), names_of(Secret::is_unpushed));
        let set_them = format!("set them with PATCH /v1/tenants/{}/secrets", tenant.name);
        let (status, reason, message) = if !lost.is_empty() {
            let names = lost.join(", ");
            (
                Status::False,
                "Lost",
                format!("lost with the Worker that had them, and not known here: {names}; {set_them}"),
            )
        } else if !missing.is_empty() {
            (Status::False, "Missing", format!("required and not set: {}; {set_them}", missing.join(", ")))
        } else if !unpushed.is_empty() {
            let since = secrets.iter().filter(|secret| secret.is_unpushed()).map(|secret| secret.updated_at).min();
            let since = since.unwrap_or(now);
            (Status::False, "Pending", format!("not yet on the Worker: {}{WAITING_SINCE}{since}", unpushed.join(", ")))
        } else {
            match self.restart() {
                None => (Status::True, "Live", "every secret is on the Worker and in what runs".to_owned()),
                Some(Restart::Told(at)) => {
                    let end = at.plus_ms(RESTART_MS);
                    let message = format!(
                        "on the Worker; the container is being restarted since {at}, which ends by {end} at the latest"
                    );
                    (Status::False, "Restarting", message)
                }
                Some(Restart::Owed(Some(since))) => {
                    let message = format!("on the Worker since {since}; the container is to be restarted");
                    (Status::False, "Restarting", message)
                }
                Some(Restart::Owed(None)) => {
                    let message = "on the Worker; whether the container runs with them is still to be seen to";
                    (Status::False, "Restarting", message.to_owned())
                }
            }
        };
        condition::set(conditions, now, "SecretsReady", status, reason, message);
    }
}

/// Says so when the tenant has been on its way for longer than it should. The line of history comes once.
fn set_stalled(
    conditions: &mut Vec<Condition>,
    tenant: &Tenant,
    phase: Phase,
    has_converged: bool,
    now: Timestamp,
) -> Option<Event> {
    let since =
        tenant.deletion.map_or(tenant.wanted_since, |deletion| deletion.keep_data_until.max(tenant.wanted_since));
    let was_stalled = conditions.iter().any(|condition| condition.kind == "Stalled");
    match phase.deadline_ms() {
        Some(deadline_ms) if !has_converged && since.plus_ms(deadline_ms) <= now => {
            let message = format!(
                "on its way since {since}, which should take {} minutes at most; the plane goes on trying, and the \
                 condition Ready says what is in the way",
                deadline_ms / 60_000
            );
            condition::set(conditions, now, "Stalled", Status::True, "DeadlineExceeded", message.clone());
            (!was_stalled).then(|| Event::new("DeadlineExceeded", message))
        }
        _ => {
            conditions.retain(|condition| condition.kind != "Stalled");
            None
        }
    }
}

/// A deletion stays one, whatever is in its way.
fn stopped(phase: Phase) -> Phase {
    if phase == Phase::Deleting { phase } else { Phase::Failed }
}
