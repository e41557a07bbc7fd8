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
}

impl Tenant {
    /// What the tenant is once the registry has written `wish` at `now`, with `event` for its history: another generation,
    /// due at once, and not ready until a round has seen to it. Pure, so that it can be shown before it is written.
    pub fn wishing(&self, wish: &Wish, event: &Event, now: Timestamp) -> Self {
        let mut after = self.clone();
        after.phase = if self.observed_generation > 0 { Phase::Updating } else { Phase::Pending };
        match wish {
            Wish::Spec(spec) => after.spec = spec.clone(),
            Wish::Release(release) => after.release = release.clone(),
            Wish::Secrets => {}
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
            updated_at: now,
            ..after
        }
    }
}
