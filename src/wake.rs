//! The nudge: asks for a round soon.

use futures_util::future::BoxFuture;

/// What a nudge says: which tenant, and on whose behalf.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Nudge {
    /// The tenant's id.
    pub tenant: String,
    /// The request that asked for it, carried on into the round's log lines.
    pub request_id: String,
}

/// Asks that a tenant be looked at. Only a hint: the tenant's `due_at_ms` in the database is the truth, and the cron
/// sweep finds whatever a lost nudge left behind.
pub trait WakeUp: Send + Sync {
    /// Sends `nudge`, to arrive after `delay_seconds` (Queues takes up to 43,200). Failure is only logged.
    fn nudge(&self, nudge: Nudge, delay_seconds: u32) -> BoxFuture<'_, ()>;
}
