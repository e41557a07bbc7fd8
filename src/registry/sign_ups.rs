//! Sign-ups and their limits.

use std::fmt;

use super::db::{Statement, Value};
use super::fleet::{self, FleetRow};
use super::idempotency::{NewAnswer, keep};
use super::invites::{self, Invite};
use super::row::{self, Row};
use super::tokens::{self, NewToken};
use super::{Error, Registry, event, sql, statement, to_json};
use crate::capacity::{Load, Room};
use crate::clock::Timestamp;
use crate::release::ReleaseId;
use crate::tenant::event::Event;
use crate::tenant::instance_type::Dimensions;
use crate::tenant::{Condition, InstanceType, ResourceKind, SecretName, TenantId, TenantName, TenantSpec};
use crate::vault::{SealedSecret, TokenHash};

/// The time that sign-ups are counted over.
pub const HOUR_MS: i64 = 60 * 60 * 1_000;

/// A tenant that signs up.
#[derive(Debug)]
pub struct NewTenant<'a> {
    /// Its id.
    pub id: &'a TenantId,
    /// Its name.
    pub name: &'a TenantName,
    /// What is wanted.
    pub spec: &'a TenantSpec,
    /// What it is deployed from.
    pub release: &'a ReleaseId,
    /// Name of each resource in Cloudflare.
    pub resources: &'a [(ResourceKind, String)],
    /// Sealed values, each at version 1.
    pub secrets: &'a [(SecretName, SealedSecret)],
    /// What holds at the start.
    pub conditions: &'a [Condition],
    /// Its first token.
    pub token: NewToken<'a>,
    /// When its trial ends; `None`: it is none.
    pub expires_at: Option<Timestamp>,
    /// Who counts for the limit of tenants per owner; `None`: nobody does.
    pub owner: Option<&'a str>,
    /// Id of the invite that is used up by it.
    pub invite: Option<&'a str>,
    /// What it must be within.
    pub limits: SignUpLimits,
    /// What is answered, if the request had a key.
    pub answer: Option<&'a NewAnswer<'a>>,
}

/// How many there may be; `None`: any number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SignUpLimits {
    /// Sign-ups in an hour, deleted meanwhile or not.
    pub of_hour: Option<u32>,
    /// Tenants of one owner; deleted ones do not count, those that are being deleted do.
    pub of_owner: Option<u32>,
    /// Tenants in all; counted likewise.
    pub in_all: Option<u32>,
    /// What the containers of all tenants may take together, this one's included.
    pub room: Room,
}

/// One of the limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignUpLimit {
    /// [`SignUpLimits::of_hour`].
    OfHour,
    /// [`SignUpLimits::of_owner`].
    OfOwner,
    /// [`SignUpLimits::in_all`].
    InAll,
}

impl fmt::Display for SignUpLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OfHour => "of sign-ups in an hour",
            Self::OfOwner => "of tenants per owner",
            Self::InAll => "of tenants in all",
        })
    }
}

/// How much of each limit is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignUpStanding {
    /// Sign-ups of the last hour; 0 without a limit, and never more than it.
    pub of_hour: u32,
    /// When `of_hour` will be less by one; `None`: it is 0.
    pub of_hour_falls_at: Option<Timestamp>,
    /// Tenants of that owner; 0 without a limit, and never more than it.
    pub of_owner: u32,
    /// All tenants.
    pub in_all: u32,
}

/// What a sign-up meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Whether a living tenant has the name.
    pub is_name_taken: bool,
    /// The invite of the code that was shown, good or not.
    pub invite: Option<Invite>,
    /// How much of each limit is used.
    pub standing: SignUpStanding,
    /// The fleet in numbers, as [`Registry::fleet`] has it.
    pub fleet: Vec<FleetRow>,
}

impl Registry {
    /// Whether a living tenant has the name.
    pub async fn is_name_taken(&self, name: &TenantName) -> Result<bool, Error> {
        Ok(!self.one(sql::sign_ups::NAME_TAKEN, [name.as_str().into()]).await?.rows.is_empty())
    }

    /// Writes a new tenant with its whole ledger, due at once, and uses its invite up: all or nothing. However many ask at
    /// once, one gets a name, one a key, one an invite, and no limit is passed; the others are told what was in the way:
    /// [`Error::KeyUsed`], [`Error::LimitReached`], [`Error::Invite`], [`Error::NameTaken`], [`Error::NoRoom`], in that order. If the answer of
    /// the database is lost, [`Registry::find_tenant`] shows by the id whether it was written.
    pub async fn create_tenant(&self, new: NewTenant<'_>, now: Timestamp) -> Result<(), Error> {
        let id: Value = new.id.0.as_str().into();
        let mut batch = keep(new.answer, now);
        let [since, of_hour, owner, of_owner] = measured_by(new.owner, new.limits, now);
        let in_all = new.limits.in_all.map(i64::from).into();
        batch.push(statement(sql::sign_ups::GUARD_SIGN_UP_LIMITS, [since, of_hour, owner, of_owner, in_all]));
        if let Some(invite) = new.invite {
            batch.push(statement(sql::invites::USE_INVITE, [invite.into(), now.0.into(), id.clone()]));
            batch.push(statement(sql::invites::GUARD_INVITE_USED, [invite.into()]));
        }
        batch.push(statement(
            sql::sign_ups::INSERT_TENANT,
            [
                id.clone(),
                new.name.as_str().into(),
                to_json(new.spec)?,
                new.release.0.as_str().into(),
                to_json(new.conditions)?,
                now.0.into(),
                new.expires_at.map(|at| at.0).into(),
                new.owner.into(),
                new.invite.into(),
            ],
        ));
        batch.extend(within(new.limits.room));
        for (kind, name) in new.resources {
            let args = [id.clone(), kind.as_str().into(), name.as_str().into()];
            batch.push(statement(sql::sign_ups::INSERT_RESOURCE, args));
        }
        for (name, sealed) in new.secrets {
            let args = [id.clone(), name.as_str().into(), 1.into(), sealed.0.as_str().into(), now.0.into()];
            batch.push(statement(sql::SET_SECRET, args));
        }
        batch.push(tokens::insert(new.id, new.token, now));
        batch.push(event(new.id, now, &Event::new("SignedUp", format!("{} signed up", new.name))));
        self.db.batch(batch).await?;
        Ok(())
    }

    /// Everything that decides on a sign-up, in one round trip. Reads as many rows as the limits say, not as there are
    /// tenants.
    pub async fn outlook(
        &self,
        name: &TenantName,
        code: Option<&TokenHash>,
        owner: Option<&str>,
        limits: SignUpLimits,
        now: Timestamp,
    ) -> Result<Outlook, Error> {
        let batch = vec![
            statement(sql::sign_ups::NAME_TAKEN, [name.as_str().into()]),
            statement(sql::invites::INVITE_OF_CODE, [code.map(|code| code.0.as_str()).into()]),
            statement(sql::sign_ups::SIGN_UP_STANDING, measured_by(owner, limits, now)),
            statement(sql::fleet::FLEET, []),
        ];
        let [taken, invite, standing, fleet] = self.batch(batch).await?;
        let none = || Error::Inconsistent { table: "tenant", detail: "a count without a row".to_owned() };
        Ok(Outlook {
            is_name_taken: !taken.rows.is_empty(),
            invite: code.map_or(Ok(None), |code| invites::of_code(invite, code))?,
            standing: row::rows(standing, "tenant", sign_up_standing)?.pop().ok_or_else(none)?,
            fleet: fleet::rows(fleet)?,
        })
    }
}

/// What all tenants together take of the account.
pub fn load(fleet: &[FleetRow]) -> Load {
    fleet
        .iter()
        .fold(Load::default(), |load, row| load.with(row.instance_type, row.tenants.into(), row.instances.into()))
}

/// The guard that all tenants together are within `room`, for after the write; none if nothing grows.
pub(super) fn within(room: Room) -> Vec<Statement> {
    let Room { vcpu_sixteenths, memory_quarter_gib, disk_gb } = room;
    if room == Room::default() {
        return Vec::new();
    }
    let most = |most: Option<u64>| most.map(|most| i64::try_from(most).unwrap_or(i64::MAX)).into();
    let args = [sizes().into(), most(vcpu_sixteenths), most(memory_quarter_gib), most(disk_gb)];
    vec![statement(sql::sign_ups::GUARD_ROOM, args)]
}

/// What one instance of each size has, as JSON: `{"lite": [vcpu, memory, disk], …}`.
fn sizes() -> String {
    let size = |size: InstanceType| {
        let Dimensions { vcpu_sixteenths, memory_quarter_gib, disk_gb } = size.dimensions();
        format!("\"{size}\":[{vcpu_sixteenths},{memory_quarter_gib},{disk_gb}]")
    };
    format!("{{{}}}", InstanceType::ALL.map(size).join(","))
}

fn sign_up_standing(row: &mut Row) -> Result<SignUpStanding, Error> {
    let oldest: Option<Timestamp> = row.get("oldest_of_hour_ms")?;
    Ok(SignUpStanding {
        of_hour: row.get("of_hour")?,
        of_hour_falls_at: oldest.map(|at| at.plus_ms(HOUR_MS)),
        of_owner: row.get("of_owner")?,
        in_all: row.get("in_all")?,
    })
}

/// The parameters that limit and standing have in common.
fn measured_by(owner: Option<&str>, limits: SignUpLimits, now: Timestamp) -> [Value; 4] {
    [
        (now.0 - HOUR_MS).into(),
        limits.of_hour.map(i64::from).into(),
        owner.into(),
        limits.of_owner.map(i64::from).into(),
    ]
}
