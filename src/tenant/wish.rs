//! What may be asked of a tenant, and what it is right after.

use super::event::Event;
use super::{Deletion, Phase, Status, Tenant, TenantSpec, condition};
use crate::clock::Timestamp;
use crate::release::ReleaseId;

/// Something that is wanted of a tenant from now on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Another spec.
    Spec(TenantSpec),
    /// To be deployed from another release.
    Release(ReleaseId),
    /// Other secrets; which ones goes beside the wish.
    Secrets,
    /// To stand still.
    Suspended,
    /// To run again.
    Running,
    /// To be deleted. Asked again, the time that data is kept may only become shorter.
    Deleted {
        /// Until when the bucket stays.
        keep_data_until: Timestamp,
    },
    /// The deletion taken back, while the data is kept.
    Undeleted,
    /// The same as before, tried again from the start.
    Retry,
    /// That its rounds wait, or run again.
    Paused(bool),
    /// Another end of its trial, or none.
    Trial {
        /// When it ends.
        ends_at: Option<Timestamp>,
    },
}

impl Wish {
    /// What whoever wishes it does, as the audit log has it.
    pub fn act(&self) -> &'static str {
        match self {
            Self::Spec(_) => "tenant.change",
            Self::Release(_) => "tenant.release",
            Self::Secrets => "tenant.secrets",
            Self::Suspended => "tenant.suspend",
            Self::Running => "tenant.resume",
            Self::Deleted { .. } => "tenant.delete",
            Self::Undeleted => "tenant.undelete",
            Self::Retry => "tenant.retry",
            Self::Paused(true) => "tenant.pause",
            Self::Paused(false) => "tenant.unpause",
            Self::Trial { .. } => "tenant.trial",
        }
    }
}

impl Tenant {
    /// What the tenant is once the registry has written `wish` at `now`, with `event` for its history: another generation,
    /// due at once, and not ready until a round has seen to it. Whether rounds run and when a trial ends is nothing that a
    /// round would make true, so that is no other generation. Pure, so that it can be shown before it is written.
    pub fn wishing(&self, wish: &Wish, event: &Event, now: Timestamp) -> Self {
        let mut after = Self { updated_at: now, ..self.clone() };
        match wish {
            Wish::Paused(true) => after.paused_at = self.paused_at.or(Some(now)),
            Wish::Paused(false) => (after.paused_at, after.due_at) = (None, Some(now)),
            Wish::Trial { ends_at } => after.expires_at = *ends_at,
            wish => return after.wanted_anew(wish, event, now),
        }
        after
    }

    fn wanted_anew(&self, wish: &Wish, event: &Event, now: Timestamp) -> Self {
        let mut after = self.clone();
        after.phase = if self.observed_generation > 0 { Phase::Updating } else { Phase::Pending };
        match wish {
            Wish::Spec(spec) => after.spec = spec.clone(),
            Wish::Release(release) => after.release = release.clone(),
            Wish::Retry if self.deletion.is_some() => after.phase = Phase::Deleting,
            Wish::Secrets | Wish::Retry | Wish::Paused(_) | Wish::Trial { .. } => {}
            Wish::Suspended => after.suspended_at = self.suspended_at.or(Some(now)),
            Wish::Running => after.suspended_at = None,
            Wish::Deleted { keep_data_until } => {
                after.phase = Phase::Deleting;
                after.deletion = Some(match self.deletion {
                    Some(former) => {
                        Deletion { keep_data_until: former.keep_data_until.min(*keep_data_until), ..former }
                    }
                    None => Deletion { asked_at: now, keep_data_until: *keep_data_until },
                });
            }
            Wish::Undeleted => {
                after.phase = Phase::Updating;
                after.deletion = None;
            }
        }
        condition::set(&mut after.conditions, now, "Ready", Status::False, &event.reason, event.message.as_str());
        Self {
            generation: self.generation + 1,
            wanted_since: now,
            attempts: 0,
            due_at: Some(now),
            booked_calls: 0,
            ..after
        }
    }
}
