//! What is deleted when it was kept for long enough: a page at a time. Twice, or at once: what is deleted is deleted.

use super::{Error, Registry, sql, statement};
use crate::clock::Timestamp;

impl Registry {
    /// Deletes at most `limit` lines of living tenants' history from before `until`; returns how many.
    pub async fn purge_events(&self, until: Timestamp, limit: i64) -> Result<u64, Error> {
        self.purge(sql::retention::PURGE_EVENTS, until, limit).await
    }

    /// Deletes at most `limit` orphans that were last seen before `until`; returns how many.
    pub async fn purge_orphans(&self, until: Timestamp, limit: i64) -> Result<u64, Error> {
        self.purge(sql::retention::PURGE_ORPHANS, until, limit).await
    }

    /// Deletes at most `tombstones` tombstones from before `until` with all their rows, of which at most `events` lines of
    /// history at a time: the tombstones go after the last line. Returns how many lines and how many tombstones went.
    pub async fn purge_tombstones(&self, until: Timestamp, tombstones: i64, events: i64) -> Result<(u64, u64), Error> {
        let args = [until.0.into(), tombstones.into()];
        let history = [until.0.into(), tombstones.into(), events.into()];
        let lines = self.one(sql::retention::PURGE_TOMBSTONE_EVENTS, history).await?.changes;
        if i64::try_from(lines).is_ok_and(|lines| lines >= events) {
            return Ok((lines, 0));
        }
        let batch = sql::retention::PURGE_TOMBSTONES.map(|sql| statement(sql, args.clone()));
        let [_, _, _, gone] = self.batch(batch.into()).await?;
        Ok((lines, gone.changes))
    }

    /// Deletes at most `limit` keys of repeated requests that were first used before `until`; returns how many.
    pub async fn purge_keys(&self, until: Timestamp, limit: i64) -> Result<u64, Error> {
        self.purge(sql::retention::PURGE_KEYS, until, limit).await
    }

    /// Deletes at most `limit` invites that expired before `until`, used or not; returns how many.
    pub async fn purge_invites(&self, until: Timestamp, limit: i64) -> Result<u64, Error> {
        self.purge(sql::retention::PURGE_INVITES, until, limit).await
    }

    /// Deletes at most `limit` tokens that were revoked or expired before `until`; returns how many.
    pub async fn purge_tokens(&self, until: Timestamp, limit: i64) -> Result<u64, Error> {
        self.purge(sql::retention::PURGE_TOKENS, until, limit).await
    }

    async fn purge(&self, sql: &'static str, until: Timestamp, limit: i64) -> Result<u64, Error> {
        Ok(self.one(sql, [until.0.into(), limit.into()]).await?.changes)
    }
}
