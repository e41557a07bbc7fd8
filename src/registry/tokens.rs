//! Tokens: what one opens, and which a tenant has.

use super::db::Value;
use super::idempotency::{NewAnswer, keep};
use super::row::{self, Row};
use super::{Error, Registry, sql, statement};
use crate::audit::Act;
use crate::clock::Timestamp;
use crate::tenant::event::Event;
use crate::tenant::{Resource, Tenant, TenantId};
use crate::vault::{Scopes, TokenHash};

/// Most tokens of one tenant that are good at once: the second is for the time in which the first is replaced.
pub const MAX_TOKENS: i64 = 2;

/// A token's use is noted when the last one that was noted is so long ago.
const NOTE_USE_EVERY_MS: i64 = 60 * 60 * 1_000;

/// Most tokens in a list; those that are left out are revoked.
const MAX_LISTED: i64 = 100;

/// A token as it is kept and listed: without itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// What it is called by.
    pub id: String,
    /// What it is good for.
    pub scopes: Scopes,
    /// When it was made.
    pub created_at: Timestamp,
    /// From when it is good for nothing; `None`: it never expires.
    pub expires_at: Option<Timestamp>,
    /// Its last use, up to an hour late.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is good for nothing.
    pub revoked_at: Option<Timestamp>,
}

/// Whether a token is good for anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// For what its scopes say.
    Good,
    /// Its time is over.
    Expired,
    /// Somebody revoked it.
    Revoked,
}

/// A token that is to be.
#[derive(Clone, Copy, Debug)]
pub struct NewToken<'a> {
    /// What it is called by.
    pub id: &'a str,
    /// All that is stored of it.
    pub hash: &'a TokenHash,
    /// What it is good for.
    pub scopes: Scopes,
    /// From when it is good for nothing; `None`: it never expires.
    pub expires_at: Option<Timestamp>,
}

/// A token that was shown, good or not, and what it opens.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The token.
    pub token: Token,
    /// Its tenant; a tombstone still answers to its tokens.
    pub tenant: Tenant,
    /// The tenant's ledger.
    pub resources: Vec<Resource>,
}

impl Token {
    /// Whether it is good for anything at `now`.
    pub fn state(&self, now: Timestamp) -> TokenState {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(expires_at)) if expires_at <= now => TokenState::Expired,
            (None, _) => TokenState::Good,
        }
    }

    /// Whether it is good for everything, and for ever. A token makes none that lasts longer or may do more, so once the
    /// last master key is gone no other is ever made; it cannot be revoked.
    pub fn is_master(&self) -> bool {
        self.scopes == Scopes::ALL && self.expires_at.is_none() && self.revoked_at.is_none()
    }
}

impl Registry {
    /// What a token opens, whether it is good or not; `None`: there is no such token. A good one is noted as used; that
    /// writes once an hour at most.
    pub async fn find_by_token(&self, hash: &TokenHash, now: Timestamp) -> Result<Option<Opened>, Error> {
        let found = self.open(sql::tokens::FIND_BY_HASH, &hash.0, now).await?;
        Ok(found.filter(|(_, stored)| stored == hash).map(|(opened, _)| opened))
    }

    /// The same by a token's id, which proves nothing: for a caller who proved before that he has the token.
    pub async fn find_by_token_id(&self, id: &str, now: Timestamp) -> Result<Option<Opened>, Error> {
        Ok(self.open(sql::tokens::FIND_BY_ID, id, now).await?.map(|(opened, _)| opened))
    }

    async fn open(
        &self,
        [note_use, tenant, resources]: [&'static str; 3],
        by: &str,
        now: Timestamp,
    ) -> Result<Option<(Opened, TokenHash)>, Error> {
        let by: Value = by.into();
        let batch = vec![
            statement(note_use, [by.clone(), now.0.into(), (now.0 - NOTE_USE_EVERY_MS).into()]),
            statement(tenant, [by.clone()]),
            statement(resources, [by]),
        ];
        let [_, found, resources] = self.batch(batch).await?;
        let read = |row: &mut Row| Ok((row::tenant(row)?, token(row)?, TokenHash(row.get("token_hash")?)));
        let Some((tenant, token, hash)) = row::rows(found, "tenant", read)?.pop() else { return Ok(None) };
        Ok(Some((Opened { token, tenant, resources: row::resources(resources)? }, hash)))
    }

    /// A tenant's tokens: those that are not revoked first, newest first. A hundred at most.
    pub async fn tokens(&self, tenant: &TenantId) -> Result<Vec<Token>, Error> {
        let args = [tenant.0.as_str().into(), MAX_LISTED.into()];
        row::rows(self.one(sql::tokens::TOKENS, args).await?, "token", token)
    }

    /// Gives a tenant another token. [`Error::TooManyTokens`] when [`MAX_TOKENS`] are good already, however many ask at
    /// once; [`Error::Conflict`] when the tenant is deleted. If the answer of the database is lost, [`Registry::tokens`]
    /// shows by the id whether it was written.
    pub async fn add_token(
        &self,
        tenant: &TenantId,
        new: NewToken<'_>,
        event: &Event,
        answer: Option<&NewAnswer<'_>>,
        act: Option<&Act>,
        now: Timestamp,
    ) -> Result<(), Error> {
        let mut batch = keep(answer, now);
        let guard = [tenant.0.as_str().into(), now.0.into(), MAX_TOKENS.into()];
        batch.push(statement(sql::tokens::GUARD_ROOM_FOR_TOKEN, guard));
        batch.push(insert(tenant, new, now));
        batch.push(super::event(tenant, now, event));
        self.write(batch, act, now).await.map(drop)
    }

    /// Revokes one of a tenant's tokens, and returns it as it is now; `None`: the tenant has no such token. One that is
    /// revoked stays as it is, and so does the last master key ([`Token::is_master`]), however many revoke each other at
    /// once; then nothing is written.
    pub async fn revoke_token(
        &self,
        tenant: &TenantId,
        id: &str,
        event: &Event,
        act: Option<&Act>,
        now: Timestamp,
    ) -> Result<Option<Token>, Error> {
        let ids: [Value; 2] = [tenant.0.as_str().into(), id.into()];
        let [of, which] = ids.clone();
        let batch = vec![
            statement(sql::tokens::REVOKE_TOKEN, [of, which, now.0.into(), Scopes::ALL.to_string().into()]),
            event_of_change(tenant, event, now),
            statement(sql::tokens::TOKEN, ids),
        ];
        let found = self.write(batch, act, now).await?.into_iter().nth(2).unwrap_or_default();
        Ok(row::rows(found, "token", token)?.pop())
    }

    /// Revokes all of a tenant's tokens but `kept`, and returns how many that were. Asked again it finds none.
    pub async fn revoke_other_tokens(
        &self,
        tenant: &TenantId,
        kept: Option<&str>,
        event: &Event,
        act: Option<&Act>,
        now: Timestamp,
    ) -> Result<u64, Error> {
        let args = [tenant.0.as_str().into(), kept.into(), now.0.into()];
        let batch = vec![statement(sql::tokens::REVOKE_OTHER_TOKENS, args), event_of_change(tenant, event, now)];
        let revoked = self.write(batch, act, now).await?.into_iter().next().unwrap_or_default();
        Ok(revoked.changes)
    }
}

/// A new token's row.
pub(super) fn insert(tenant: &TenantId, new: NewToken<'_>, now: Timestamp) -> super::db::Statement {
    let args = [
        new.id.into(),
        tenant.0.as_str().into(),
        new.hash.0.as_str().into(),
        new.scopes.to_string().into(),
        new.expires_at.map(|at| at.0).into(),
        now.0.into(),
    ];
    statement(sql::tokens::INSERT_TOKEN, args)
}

fn event_of_change(tenant: &TenantId, event: &Event, now: Timestamp) -> super::db::Statement {
    let args = [tenant.0.as_str().into(), now.0.into(), event.reason.as_str().into(), event.message.as_str().into()];
    statement(sql::tokens::INSERT_EVENT_OF_CHANGE, args)
}

fn token(row: &mut Row) -> Result<Token, Error> {
    let scopes: String = row.get("scopes")?;
    Ok(Token {
        id: row.get("token_id")?,
        scopes: Scopes::parse(scopes.split(' ')).map_err(|error| row.unfit("scopes", &error))?,
        created_at: row.get("token_created_at_ms")?,
        expires_at: row.get("token_expires_at_ms")?,
        last_used_at: row.get("last_used_at_ms")?,
        revoked_at: row.get("revoked_at_ms")?,
    })
}
