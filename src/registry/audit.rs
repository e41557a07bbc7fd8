//! The audit log: lines that are written with what they tell of; see [`crate::audit`].

use super::db::{DbError, Outcome, Statement};
use super::row::{self, Row};
use super::{Error, Registry, sql, statement};
use crate::audit::{Act, Checked, Line, hash};
use crate::clock::Timestamp;

/// How often a number is tried to be had. Of those who act at once each round lets one through, and operators are few.
const TRIES: u32 = 64;

/// Which lines are looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Of {
    /// All.
    Everybody,
    /// Those of one operator.
    Actor(String),
    /// Those about one tenant, by its name, or about one invite, by its id.
    Target(String),
}

impl Registry {
    /// Writes `batch`, and that it was done: all or nothing. Without an act the batch alone.
    pub(super) async fn write(
        &self,
        batch: Vec<Statement>,
        act: Option<&Act>,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, Error> {
        let Some(act) = act else { return Ok(self.db.batch(batch).await?) };
        for _ in 0..TRIES {
            let former = lines(self.one(sql::audit::NEWEST, []).await?)?.pop();
            let former = former.map_or_else(Checked::default, |line| Checked { seq: line.seq, hash: line.hash });
            let seq = former.seq + 1;
            let entry = act
                .entry(seq, now)
                .map_err(|error| Error::Inconsistent { table: "(to be written)", detail: error.to_string() })?;
            let hash = hash(&former.hash, &entry);
            let mut whole = batch.clone();
            whole.push(statement(sql::audit::INSERT, [seq.into(), entry.into(), hash.into()]));
            match self.db.batch(whole).await {
                Err(DbError::Unique(columns)) if columns.contains("audit.seq") => {}
                outcomes => {
                    let mut outcomes = outcomes?;
                    outcomes.truncate(batch.len());
                    return Ok(outcomes);
                }
            }
        }
        Err(Error::Driver(DbError::Other("too many acts at once".to_owned())))
    }

    /// At most `limit` lines before line `before`, if one is given, newest first.
    pub async fn audit(&self, of: &Of, before: Option<i64>, limit: i64) -> Result<Vec<Line>, Error> {
        let (before, limit) = (before.unwrap_or((1 << 53) - 1).into(), limit.into());
        let found = match of {
            Of::Everybody => self.one(sql::audit::BEFORE, [before, limit]).await,
            Of::Actor(actor) => self.one(sql::audit::BEFORE_OF_ACTOR, [before, limit, actor.as_str().into()]).await,
            Of::Target(target) => self.one(sql::audit::BEFORE_OF_TARGET, [before, limit, target.as_str().into()]).await,
        };
        lines(found?)
    }

    /// At most `limit` lines after line `after`, oldest first.
    pub async fn audit_after(&self, after: i64, limit: i64) -> Result<Vec<Line>, Error> {
        lines(self.one(sql::audit::AFTER, [after.into(), limit.into()]).await?)
    }
}

fn lines(outcome: Outcome) -> Result<Vec<Line>, Error> {
    let read = |row: &mut Row| Ok(Line { seq: row.get("seq")?, entry: row.get("entry")?, hash: row.get("hash")? });
    row::rows(outcome, "audit", read)
}
