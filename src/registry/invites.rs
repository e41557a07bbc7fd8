//! Invites: made, listed and revoked by the operator; used by a sign-up, see [`super::sign_ups`].

use std::fmt;

use super::db::{Outcome, Value};
use super::idempotency::{NewAnswer, keep};
use super::row::{self, Row};
use super::{Error, Registry, sql, statement};
use crate::audit::Act;
use crate::clock::Timestamp;
use crate::tenant::{InstanceType, TenantId, TenantName};
use crate::vault::TokenHash;

/// Beyond every time that is kept: what D1 can still bind as a whole number.
const END_OF_TIME: i64 = (1 << 53) - 1;

/// An invite as it is kept and listed: without its code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// What it is called by.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is good for nothing.
    pub expires_at: Timestamp,
    /// The only name that it is good for.
    pub tenant_name: Option<TenantName>,
    /// The largest size that it is good for.
    pub largest: Option<InstanceType>,
    /// The owner of its tenant.
    pub owner: Option<String>,
    /// The operator's words.
    pub note: Option<String>,
    /// Since when it is good for nothing.
    pub revoked_at: Option<Timestamp>,
    /// Who signed up with it, and when. The tenant may be deleted meanwhile.
    pub used: Option<(TenantId, Timestamp)>,
}

/// Why an invite is good for nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InviteRefusal {
    /// There is none.
    Unknown,
    /// Somebody signed up with it.
    Used,
    /// The operator revoked it.
    Revoked,
    /// Its time is over.
    Expired,
}

impl fmt::Display for InviteRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "unknown",
            Self::Used => "used already",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
        })
    }
}

impl Invite {
    /// Why nobody can sign up with it at `now`; `None`: it is good.
    pub fn refusal(&self, now: Timestamp) -> Option<InviteRefusal> {
        match self {
            Self { used: Some(_), .. } => Some(InviteRefusal::Used),
            Self { revoked_at: Some(_), .. } => Some(InviteRefusal::Revoked),
            Self { expires_at, .. } => (*expires_at <= now).then_some(InviteRefusal::Expired),
        }
    }
}

/// An invite that is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewInvite<'a> {
    /// What it is called by.
    pub id: &'a str,
    /// All that is stored of its code.
    pub hash: &'a TokenHash,
    /// From when it is good for nothing.
    pub expires_at: Timestamp,
    /// The only name that it is good for.
    pub tenant_name: Option<&'a TenantName>,
    /// The largest size that it is good for.
    pub largest: Option<InstanceType>,
    /// The owner of its tenant.
    pub owner: Option<&'a str>,
    /// The operator's words.
    pub note: Option<&'a str>,
}

/// A place in the list of invites. What it is made of is nobody's business but this file's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Position(Timestamp, String);

impl Position {
    /// Reads what [`Position`] was written as, and no other spelling of it; `None` when it is none.
    pub fn parse(text: &str) -> Option<Self> {
        let (at, id) = text.split_once('.')?;
        let at: i64 = at.parse().ok().filter(|at| (0..=END_OF_TIME).contains(at))?;
        Some(Self(Timestamp(at), id.to_owned())).filter(|position| position.to_string() == text)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0.0, self.1)
    }
}

impl Registry {
    /// Writes a new invite. If the answer of the database is lost, [`Registry::find_invite`] shows whether it was written.
    pub async fn create_invite(
        &self,
        new: &NewInvite<'_>,
        answer: Option<&NewAnswer<'_>>,
        act: Option<&Act>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let args = [
            new.id.into(),
            new.hash.0.as_str().into(),
            now.0.into(),
            new.expires_at.0.into(),
            new.tenant_name.map(TenantName::as_str).into(),
            new.largest.map(InstanceType::as_str).into(),
            new.owner.into(),
            new.note.into(),
        ];
        let mut batch = keep(answer, now);
        batch.push(statement(sql::invites::INSERT_INVITE, args));
        self.write(batch, act, now).await.map(drop)
    }

    /// At most `limit` invites, newest first, from after `position` on; and the position of the next page, if there may be
    /// one. What is made or purged meanwhile neither hides nor doubles another.
    pub async fn invites(
        &self,
        position: Option<Position>,
        limit: usize,
    ) -> Result<(Vec<Invite>, Option<Position>), Error> {
        let Position(before, id) = position.unwrap_or(Position(Timestamp(END_OF_TIME), String::new()));
        let most = i64::try_from(limit).unwrap_or(i64::from(u32::MAX));
        let page = invites(self.one(sql::invites::INVITES, [before.0.into(), id.into(), most.into()]).await?)?;
        let last = page.last().filter(|_| page.len() >= limit);
        let next = last.map(|invite| Position(invite.created_at, invite.id.clone()));
        Ok((page, next))
    }

    /// The invite of a code, good or not.
    pub async fn find_invite(&self, code: &TokenHash) -> Result<Option<Invite>, Error> {
        of_code(self.one(sql::invites::INVITE_OF_CODE, [code.0.as_str().into()]).await?, code)
    }

    /// The invite of an id.
    pub async fn invite(&self, id: &str) -> Result<Option<Invite>, Error> {
        Ok(invites(self.one(sql::invites::INVITE, [id.into()]).await?)?.pop())
    }

    /// Revokes an invite, and returns it as it is now; `None`: there is none. One that was used, or is revoked, stays as
    /// it is.
    pub async fn revoke_invite(&self, id: &str, act: Option<&Act>, now: Timestamp) -> Result<Option<Invite>, Error> {
        let id: Value = id.into();
        let batch = vec![
            statement(sql::invites::REVOKE_INVITE, [id.clone(), now.0.into()]),
            statement(sql::invites::INVITE, [id]),
        ];
        let found = self.write(batch, act, now).await?.pop().unwrap_or_default();
        Ok(invites(found)?.pop())
    }
}

/// The invite that was found for a code.
pub(super) fn of_code(found: Outcome, code: &TokenHash) -> Result<Option<Invite>, Error> {
    let read = |row: &mut Row| Ok((invite(row)?, TokenHash(row.get("hash")?)));
    let found = row::rows(found, "invite", read)?.pop();
    Ok(found.filter(|(_, stored)| stored == code).map(|(invite, _)| invite))
}

fn invites(outcome: Outcome) -> Result<Vec<Invite>, Error> {
    row::rows(outcome, "invite", invite)
}

fn invite(row: &mut Row) -> Result<Invite, Error> {
    let used_by: Option<TenantId> = row.get("used_by")?;
    Ok(Invite {
        id: row.get("id")?,
        created_at: row.get("created_at_ms")?,
        expires_at: row.get("expires_at_ms")?,
        tenant_name: row.get("tenant_name")?,
        largest: row.get("largest")?,
        owner: row.get("owner")?,
        note: row.get("note")?,
        revoked_at: row.get("revoked_at_ms")?,
        used: used_by.zip(row.get("used_at_ms")?),
    })
}
