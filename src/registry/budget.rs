//! The shared budget of calls to Cloudflare; see [`crate::reconcile::budget`].

use super::db::Outcome;
use super::{Error, Registry, row, sql};
use crate::clock::Timestamp;

/// How the budget stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ApiBudget {
    /// When everything booked so far is paid for at the steady pace.
    pub booked_until: Timestamp,
    /// Cloudflare asked for no call before then.
    pub blocked_until: Timestamp,
}

impl Registry {
    /// Books calls that cost `cost_ms` and says when they may be made: `now`, while no more than `burst_ms` is booked
    /// ahead and Cloudflare did not ask for a pause. A booking that is never used only makes others wait longer.
    pub async fn book_calls(&self, cost_ms: i64, burst_ms: i64, now: Timestamp) -> Result<Timestamp, Error> {
        let outcome = self.one(sql::BOOK_CALLS, [now.0.into(), cost_ms.into(), burst_ms.into()]).await?;
        let at = row::rows(outcome, "api_budget", |row| row.get("at_ms"))?.pop();
        at.ok_or_else(no_row)
    }

    /// Books the calls if they may be made at once; says whether.
    pub async fn take_calls(&self, cost_ms: i64, burst_ms: i64, now: Timestamp) -> Result<bool, Error> {
        let outcome = self.one(sql::TAKE_CALLS, [now.0.into(), cost_ms.into(), burst_ms.into()]).await?;
        Ok(!outcome.rows.is_empty())
    }

    /// Stops all calls until then; a later time than one told before counts.
    pub async fn block_calls(&self, until: Timestamp) -> Result<(), Error> {
        self.one(sql::BLOCK_CALLS, [until.0.into()]).await.map(drop)
    }

    /// How the budget stands.
    pub async fn api_budget(&self) -> Result<ApiBudget, Error> {
        of(self.one(sql::API_BUDGET, []).await?)
    }
}

/// The budget's only row.
pub(super) fn of(outcome: Outcome) -> Result<ApiBudget, Error> {
    let read = |row: &mut row::Row| {
        Ok(ApiBudget { booked_until: row.get("booked_until_ms")?, blocked_until: row.get("blocked_until_ms")? })
    };
    row::rows(outcome, "api_budget", read)?.pop().ok_or_else(no_row)
}

fn no_row() -> Error {
    Error::Inconsistent { table: "api_budget", detail: "it has no row".to_owned() }
}
