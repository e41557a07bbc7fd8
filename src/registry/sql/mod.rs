//! Every statement of the registry, with what it promises.
//!
//! Parameters are numbered. Times come in as parameters. A *guard* raises an error when its precondition does not hold,
//! so that the whole batch it stands in is undone; the error says which guard it was ([`super::db::DbError::Guard`]).

/// Every column of a tenant, as `row::tenants` reads them.
macro_rules! tenant_columns {
    () => {
        "t.id, t.name, t.phase, t.generation, t.observed_generation, t.owner, t.spec, t.largest, t.release_id, \
         t.conditions, t.wanted_since_ms, t.suspended_at_ms, t.paused_at_ms, t.expires_at_ms, t.delete_asked_at_ms, t.keep_data_until_ms, \
         t.due_at_ms, t.attempts, t.booked_calls, t.created_at_ms, t.updated_at_ms"
    };
}

/// Every column of a line of the ledger, as `row::resources` reads them.
macro_rules! resource_columns {
    () => {
        "r.kind, r.name, r.state, r.external_id, r.applied, r.asked_at_ms, r.removal_asked_at_ms, r.removed_at_ms, \
         r.gone_at_ms"
    };
}

/// The order in which a tenant is made.
macro_rules! in_order {
    () => {
        " ORDER BY instr('bucket script application route schedule', r.kind)"
    };
}

/// The id of the tenant that is called ?1: a living one by its name; or by its id, or the last deleted one of that name.
macro_rules! called {
    () => {
        "COALESCE((SELECT id FROM tenant WHERE name = ?1 AND deleted_at_ms IS NULL), \
         (SELECT id FROM tenant WHERE id = ?1), \
         (SELECT id FROM tenant WHERE phase = 'deleted' AND name = ?1 ORDER BY deleted_at_ms DESC LIMIT 1))"
    };
}

/// The condition that somebody may own what is called `$name` in Cloudflare: a living tenant has it on its ledger, or a
/// deleted one of whose line no read has shown yet that nothing is left.
macro_rules! on_a_ledger {
    ($kind:literal, $name:literal) => {
        concat!(
            "EXISTS (SELECT 1 FROM resource r JOIN tenant t ON t.id = r.tenant_id WHERE r.kind = ",
            $kind,
            " AND r.name = ",
            $name,
            " AND (t.deleted_at_ms IS NULL OR r.asked_at_ms IS NOT NULL))"
        )
    };
}

/// What every change of what is wanted does beside the change itself, as the `SET` part of an update with ?3 for the
/// conditions and ?4 for the time: another generation, due at once.
macro_rules! wanted_anew {
    () => {
        "conditions = ?3, generation = generation + 1, wanted_since_ms = ?4, attempts = 0, due_at_ms = ?4, \
         booked_calls = 0, updated_at_ms = ?4"
    };
}

/// The phase of a tenant that is changed.
macro_rules! changing_phase {
    () => {
        "phase = CASE WHEN observed_generation > 0 THEN 'updating' ELSE 'pending' END"
    };
}

/// The condition of every change: still at the generation that it was made from, and not being deleted.
macro_rules! if_alive {
    () => {
        " WHERE id = ?1 AND generation = ?2 AND delete_asked_at_ms IS NULL"
    };
}

/// An expression that ends the batch, with the name of the guard in the error: SQLite has no function that raises one, but
/// it quotes a JSON path that is none.
macro_rules! refuse {
    ($name:literal) => {
        concat!("json_extract('{}', 'guard:", $name, "')")
    };
}

pub mod audit;
pub mod fleet;
pub mod health;
pub mod idempotency;
pub mod invites;
pub mod retention;
pub mod sign_ups;
pub mod tokens;

/// Liveness: one row, no table read.
pub const PING: &str = "SELECT 1 AS alive";

/// Guard: the statement before it changed exactly one row.
pub const GUARD_ONE_ROW_CHANGED: &str =
    concat!("SELECT CASE WHEN changes() = 1 THEN 1 ELSE ", refuse!("conflict"), " END AS held");

/// The release that sign-ups get; no row before the first is published.
pub const DEFAULT_RELEASE: &str = "SELECT id, manifest FROM release \
     WHERE default_since_ms IS NOT NULL ORDER BY default_since_ms DESC, id LIMIT 1";

/// Releases as they are listed, as `row::listed_releases` reads them.
macro_rules! listed_releases {
    () => {
        "SELECT id, created_at_ms, default_since_ms, id IS (SELECT id FROM release WHERE default_since_ms IS NOT NULL \
         ORDER BY default_since_ms DESC, id LIMIT 1) AS is_default FROM release"
    };
}

/// Releases, newest first.
pub const RELEASES: &str = concat!(listed_releases!(), " ORDER BY created_at_ms DESC, id LIMIT ?1");

/// One of them.
pub const LISTED_RELEASE: &str = concat!(listed_releases!(), " WHERE id = ?1");

/// Sign-ups get this release from ?2 on, or from right after the one that they got last.
pub const MAKE_DEFAULT: &str = "UPDATE release SET default_since_ms = \
     MAX(?2, (SELECT COALESCE(MAX(default_since_ms), 0) + 1 FROM release)) WHERE id = ?1";

/// One release.
pub const RELEASE: &str = "SELECT id, manifest FROM release WHERE id = ?1";

/// A line of history, with the tenant's generation at that moment.
pub const INSERT_EVENT: &str = "INSERT INTO event (tenant_id, at_ms, generation, reason, message) \
     SELECT id, ?2, generation, ?3, ?4 FROM tenant WHERE id = ?1";

/// A line of history about a round, with the generation that the round is about. With `?6` it is news of the round's end,
/// which is none any more when something newer was asked for meanwhile.
pub const INSERT_ROUND_EVENT: &str = "INSERT INTO event (tenant_id, at_ms, generation, reason, message) \
     SELECT id, ?2, ?5, ?3, ?4 FROM tenant WHERE id = ?1 AND (generation = ?5 OR NOT ?6)";

/// One tenant by id.
pub const TENANT: &str = concat!("SELECT ", tenant_columns!(), " FROM tenant t WHERE t.id = ?1");

/// The tenant that is called ?1.
pub const TENANT_CALLED: &str = concat!("SELECT ", tenant_columns!(), " FROM tenant t WHERE t.id = ", called!());

/// Its ledger.
pub const RESOURCES_OF_CALLED: &str =
    concat!("SELECT ", resource_columns!(), " FROM resource r WHERE r.tenant_id = ", called!(), in_order!());

/// The ledger of a tenant.
pub const RESOURCES: &str =
    concat!("SELECT ", resource_columns!(), " FROM resource r WHERE r.tenant_id = ?1", in_order!());

/// A tenant's secrets: names and versions, and the sealed value of those that are still to be pushed.
pub const SECRETS: &str = "SELECT name, wanted, version, pushed_version, live_version, sealed, updated_at_ms, pushed_at_ms \
     FROM secret WHERE tenant_id = ?1 ORDER BY name";

/// A page of history, oldest first.
pub const EVENTS: &str = "SELECT id, at_ms, generation, reason, message FROM event \
     WHERE tenant_id = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

/// The newest page of history before a line, newest first.
pub const LATEST_EVENTS: &str = "SELECT id, at_ms, generation, reason, message FROM event \
     WHERE tenant_id = ?1 AND id < ?2 ORDER BY id DESC LIMIT ?3";

/// A new spec.
pub const CHANGE_SPEC: &str =
    concat!("UPDATE tenant SET spec = ?5, ", changing_phase!(), ", ", wanted_anew!(), if_alive!());

/// Another release.
pub const CHANGE_RELEASE: &str =
    concat!("UPDATE tenant SET release_id = ?5, ", changing_phase!(), ", ", wanted_anew!(), if_alive!());

/// Other secrets; the spec stays.
pub const CHANGE_SECRETS: &str = concat!("UPDATE tenant SET ", changing_phase!(), ", ", wanted_anew!(), if_alive!());

/// To stand still from now on.
pub const SUSPEND: &str = concat!(
    "UPDATE tenant SET suspended_at_ms = COALESCE(suspended_at_ms, ?4), ",
    changing_phase!(),
    ", ",
    wanted_anew!(),
    if_alive!()
);

/// To run again.
pub const RESUME: &str =
    concat!("UPDATE tenant SET suspended_at_ms = NULL, ", changing_phase!(), ", ", wanted_anew!(), if_alive!());

/// No round begins from now on. Nothing else is wanted of it, so its generation stays.
pub const PAUSE: &str = "UPDATE tenant SET paused_at_ms = COALESCE(paused_at_ms, ?4), updated_at_ms = ?4 \
     WHERE id = ?1 AND generation = ?2 AND deleted_at_ms IS NULL";

/// Rounds run again, the first one at once.
pub const UNPAUSE: &str = "UPDATE tenant SET paused_at_ms = NULL, due_at_ms = ?4, updated_at_ms = ?4 \
     WHERE id = ?1 AND generation = ?2 AND deleted_at_ms IS NULL";

/// Another end of its trial, or none. Nothing else is wanted of it, so its generation stays.
pub const SET_TRIAL: &str = "UPDATE tenant SET expires_at_ms = ?5, updated_at_ms = ?4 \
     WHERE id = ?1 AND generation = ?2 AND delete_asked_at_ms IS NULL";

/// A secret's new value, a version above its former one.
pub const SET_SECRET: &str = "INSERT INTO secret (tenant_id, name, wanted, version, sealed, updated_at_ms) \
     VALUES (?1, ?2, 'set', ?3, ?4, ?5) \
     ON CONFLICT (tenant_id, name) DO UPDATE SET wanted = 'set', version = ?3, sealed = ?4, updated_at_ms = ?5";

/// A secret is no longer wanted; its value, if still here, goes at once.
pub const UNSET_SECRET: &str = "UPDATE secret SET wanted = 'deleted', version = ?3, sealed = NULL, updated_at_ms = ?4 \
     WHERE tenant_id = ?1 AND name = ?2";

/// Asks for deletion, with data kept until `?5`. A later request may only shorten the time that data is kept.
pub const ASK_DELETE: &str = concat!(
    "UPDATE tenant SET phase = 'deleting', delete_asked_at_ms = COALESCE(delete_asked_at_ms, ?4), \
     keep_data_until_ms = MIN(COALESCE(keep_data_until_ms, ?5), ?5), ",
    wanted_anew!(),
    " WHERE id = ?1 AND generation = ?2 AND deleted_at_ms IS NULL"
);

/// Takes a deletion back while the data is kept.
pub const UNDELETE: &str = concat!(
    "UPDATE tenant SET phase = 'updating', delete_asked_at_ms = NULL, keep_data_until_ms = NULL, ",
    wanted_anew!(),
    " WHERE id = ?1 AND generation = ?2 AND phase = 'deleting' AND keep_data_until_ms > ?4"
);

/// Values that no step will push any more.
pub const ERASE_SEALED: &str = "UPDATE secret SET sealed = NULL WHERE tenant_id = ?1";

/// Tenants that want a round, have none running and are not paused, longest waiting first.
pub const DUE: &str = "SELECT id FROM tenant WHERE due_at_ms <= ?1 AND lease_expires_ms <= ?1 AND paused_at_ms IS NULL \
     ORDER BY due_at_ms LIMIT ?2";

/// Takes the lease on one tenant that is due, free and not paused. One statement, so that two consumers cannot both get it. Until the
/// round says otherwise the tenant is due when the lease ends, so that a round that vanished goes to the back of the queue.
/// Booked calls are good for a while only (?5): piled up they would be sent all at once.
pub const LEASE: &str = "UPDATE tenant SET lease_token = ?2, lease_expires_ms = ?3, due_at_ms = ?3, \
     attempts = attempts + 1, booked_calls = CASE WHEN due_at_ms >= ?5 THEN booked_calls ELSE 0 END \
     WHERE id = ?1 AND due_at_ms <= ?4 AND lease_expires_ms <= ?4 AND paused_at_ms IS NULL";

/// The tenant, if the lease is ours.
pub const LEASED_TENANT: &str =
    concat!("SELECT ", tenant_columns!(), " FROM tenant t WHERE t.id = ?1 AND t.lease_token = ?2");

/// The release of a tenant.
pub const RELEASE_OF_TENANT: &str =
    "SELECT r.id, r.manifest FROM tenant t JOIN release r ON r.id = t.release_id WHERE t.id = ?1";

/// Keeps the lease for another while, if nobody has taken it over. Followed by the guard.
pub const EXTEND_LEASE: &str = "UPDATE tenant SET lease_expires_ms = ?3, due_at_ms = CASE WHEN due_at_ms = lease_expires_ms THEN ?3 ELSE due_at_ms END \
     WHERE id = ?1 AND lease_token = ?2";

/// Guard: the lease is still ours.
pub const GUARD_LEASE: &str = concat!(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM tenant WHERE id = ?1 AND lease_token = ?2) THEN 1 ELSE ",
    refuse!("conflict"),
    " END AS held"
);

/// A line of the ledger as whoever has the lease knows it.
pub const WRITE_RESOURCE: &str = "UPDATE resource SET state = ?3, external_id = ?4, applied = ?5, asked_at_ms = ?6, \
     removal_asked_at_ms = ?7, removed_at_ms = ?8, gone_at_ms = ?9, confirmed_at_ms = COALESCE(?10, confirmed_at_ms) \
     WHERE tenant_id = ?1 AND kind = ?2";

/// Cloudflare has this version now. The sealed value goes, unless a newer one has come meanwhile.
pub const SECRET_PUSHED: &str = "UPDATE secret SET pushed_version = ?3, pushed_at_ms = ?4, \
     sealed = CASE WHEN version = ?3 THEN NULL ELSE sealed END \
     WHERE tenant_id = ?1 AND name = ?2 AND version >= ?3";

/// The script is not there: Cloudflare has none of its secrets any more. Their values were erased when they were pushed,
/// so only their owner can set them again.
pub const SECRETS_LOST: &str = "UPDATE secret SET pushed_version = 0 WHERE tenant_id = ?1";

/// What was pushed is live, on the Worker and in its containers.
pub const SECRETS_LIVE: &str =
    "UPDATE secret SET live_version = pushed_version WHERE tenant_id = ?1 AND live_version <> pushed_version";

/// A secret that was not wanted is gone from Cloudflare, unless it was set again meanwhile.
pub const SECRET_GONE: &str =
    "DELETE FROM secret WHERE tenant_id = ?1 AND name = ?2 AND version = ?3 AND wanted = 'deleted'";

/// The end of a round. What was asked for while it ran keeps the tenant due, its phase, its conditions, and its attempts, of which it has
/// had none yet; returns when it is due.
pub const FINISH_ROUND: &str = "UPDATE tenant SET lease_token = NULL, lease_expires_ms = 0, \
     conditions = CASE WHEN generation = ?3 THEN ?4 ELSE conditions END, \
     attempts = CASE WHEN generation = ?3 THEN ?6 ELSE attempts END, updated_at_ms = ?8, \
     phase = CASE WHEN generation = ?3 THEN ?5 ELSE phase END, \
     observed_generation = CASE WHEN ?9 THEN ?3 ELSE observed_generation END, \
     due_at_ms = CASE WHEN generation = ?3 THEN ?7 ELSE ?8 END, \
     booked_calls = CASE WHEN generation = ?3 THEN ?10 ELSE 0 END, \
     deleted_at_ms = CASE WHEN ?5 = 'deleted' AND generation = ?3 THEN ?8 END \
     WHERE id = ?1 AND lease_token = ?2 RETURNING due_at_ms";

/// Books ?2 milliseconds' worth of calls at ?1, and says when they may be made: at once while no more than ?3 is booked
/// ahead.
pub const BOOK_CALLS: &str = "UPDATE api_budget SET booked_until_ms = MAX(booked_until_ms, ?1) + ?2 WHERE id = 1 \
     RETURNING MAX(?1, booked_until_ms - ?3, blocked_until_ms) AS at_ms";

/// The same, if they may be made at once; no row if not.
pub const TAKE_CALLS: &str = "UPDATE api_budget SET booked_until_ms = MAX(booked_until_ms, ?1) + ?2 \
     WHERE id = 1 AND blocked_until_ms <= ?1 AND MAX(booked_until_ms, ?1) + ?2 - ?3 <= ?1 \
     RETURNING ?1 AS at_ms";

/// Corrects what was booked by what was used.
pub const SETTLE_CALLS: &str = "UPDATE api_budget SET booked_until_ms = booked_until_ms + ?1 WHERE id = 1";

/// Cloudflare asks for no call before ?1.
pub const BLOCK_CALLS: &str = "UPDATE api_budget SET blocked_until_ms = MAX(blocked_until_ms, ?1) WHERE id = 1";

/// Guard: Cloudflare did not ask for a pause.
pub const GUARD_NOT_BLOCKED: &str = concat!(
    "SELECT CASE WHEN EXISTS (SELECT 1 FROM api_budget WHERE blocked_until_ms > ?1) THEN ",
    refuse!("conflict"),
    " ELSE 1 END AS held"
);

/// What is booked, and until when nothing may be called.
pub const API_BUDGET: &str = "SELECT booked_until_ms, blocked_until_ms FROM api_budget WHERE id = 1";

/// Takes a run of a job: one that never ran, one whose last run ended before ?4 or left something for the next (its
/// cursor), or one that began before ?3 and never ended. One statement, so that of two at once one gets it. Returns
/// where it is to go on.
pub const CLAIM_JOB: &str = "INSERT INTO job (name, started_at_ms, report) VALUES (?1, ?2, '{}') \
     ON CONFLICT (name) DO UPDATE SET started_at_ms = ?2, finished_at_ms = NULL \
     WHERE CASE WHEN finished_at_ms IS NULL THEN started_at_ms <= ?3 \
     ELSE cursor IS NOT NULL OR started_at_ms <= ?4 END RETURNING cursor";

/// Where a run is, if it has not been taken over.
pub const SAVE_JOB: &str =
    "UPDATE job SET cursor = ?3 WHERE name = ?1 AND started_at_ms = ?2 AND finished_at_ms IS NULL";

/// The end of a run, if it has not been taken over.
pub const FINISH_JOB: &str = "UPDATE job SET finished_at_ms = ?3, cursor = ?4, report = ?5 \
     WHERE name = ?1 AND started_at_ms = ?2 AND finished_at_ms IS NULL";

/// How the rounds of all tenants stand at ?1; reads those that want one. What is paused waits by somebody's will. ?2 and ?3 are the deadlines of a change and of a
/// deletion, in milliseconds.
pub const STANDING: &str = "SELECT \
     COUNT(*) FILTER (WHERE due_at_ms <= ?1 AND lease_expires_ms <= ?1) AS due, \
     COUNT(*) FILTER (WHERE lease_token IS NOT NULL AND lease_expires_ms <= ?1) AS vanished, \
     COUNT(*) FILTER (WHERE CASE WHEN phase IN ('pending', 'updating') THEN wanted_since_ms <= ?1 - ?2 \
     WHEN phase = 'deleting' THEN MAX(COALESCE(keep_data_until_ms, 0), wanted_since_ms) <= ?1 - ?3 END) AS overdue, \
     COUNT(*) FILTER (WHERE lease_token IS NULL AND booked_calls > 0) AS waiting_for_turn \
     FROM tenant WHERE due_at_ms IS NOT NULL AND paused_at_ms IS NULL";

/// Trials that ended by ?1: those that run, and those that ended by ?2.
pub const ENDED_TRIALS: &str = concat!(
    "SELECT ",
    tenant_columns!(),
    " FROM tenant t WHERE t.expires_at_ms <= ?1 AND t.delete_asked_at_ms IS NULL \
     AND (t.suspended_at_ms IS NULL OR t.expires_at_ms <= ?2) ORDER BY t.expires_at_ms LIMIT ?3"
);

/// Begins the repair of a tenant that is as it was read (?5), at rest and not being deleted. Nothing else is wanted of it,
/// so its generation stays.
pub const REPAIR: &str = "UPDATE tenant SET phase = 'updating', conditions = ?3, wanted_since_ms = ?4, attempts = 0, \
     due_at_ms = ?4, booked_calls = 0, updated_at_ms = ?4 \
     WHERE id = ?1 AND generation = ?2 AND updated_at_ms = ?5 AND phase IN ('ready', 'suspended') \
     AND lease_token IS NULL AND delete_asked_at_ms IS NULL AND paused_at_ms IS NULL";

/// The Worker lacks this secret, whose value was erased when it was pushed: only its owner can set it again.
pub const SECRET_LOST: &str = "UPDATE secret SET pushed_version = 0 WHERE tenant_id = ?1 AND name = ?2";

/// Tenants at rest since ?2, the one that was compared least recently first; none that was compared after ?1.
pub const LEAST_CHECKED: &str = "SELECT id FROM tenant \
     WHERE phase IN ('ready', 'suspended') AND checked_at_ms <= ?1 AND updated_at_ms <= ?2 AND lease_token IS NULL \
     AND paused_at_ms IS NULL ORDER BY checked_at_ms LIMIT ?3";

/// A tenant was compared with what Cloudflare has.
pub const CHECKED: &str = "UPDATE tenant SET checked_at_ms = ?2 WHERE id = ?1";

/// Whether a tenant's history has this line since ?4.
pub const HAPPENED_SINCE: &str = "SELECT 1 AS happened FROM event \
     WHERE tenant_id = ?1 AND reason = ?2 AND message = ?3 AND at_ms > ?4 LIMIT 1";

/// What of kind ?1 shows in the account (?2: a JSON list) and is on no ledger, noted as seen at ?3. What was not seen for
/// ?4 milliseconds, or has another id, is another thing: nobody's word about the former is good for it. Returns names.
pub const SIGHT_ORPHANS: &str = concat!(
    "INSERT INTO orphan (kind, name, external_id, is_ours, first_seen_ms, last_seen_ms) \
     SELECT ?1, s.value ->> 'name', s.value ->> 'external_id', s.value ->> 'is_ours', ?3, ?3 FROM json_each(?2) s \
     WHERE NOT ",
    on_a_ledger!("?1", "s.value ->> 'name'"),
    " ON CONFLICT (kind, name) DO UPDATE SET external_id = excluded.external_id, is_ours = excluded.is_ours, \
     last_seen_ms = ?3, \
     first_seen_ms = CASE WHEN external_id IS excluded.external_id AND last_seen_ms > ?3 - ?4 THEN first_seen_ms \
     ELSE ?3 END, \
     delete_asked_at_ms = CASE WHEN external_id IS excluded.external_id AND last_seen_ms > ?3 - ?4 \
     THEN delete_asked_at_ms END RETURNING name"
);

/// The next orphan after (?1, ?2) that is to go: seen since ?3, first seen by ?4, and an operator said so, or it carries
/// our mark and ?5 says that this is enough.
pub const ORPHAN_TO_REMOVE: &str = concat!(
    "SELECT o.kind, o.name, o.external_id, o.delete_asked_at_ms FROM orphan o \
     WHERE (o.kind, o.name) > (?1, ?2) AND o.last_seen_ms >= ?3 AND o.first_seen_ms <= ?4 \
     AND (o.delete_asked_at_ms IS NOT NULL OR (?5 AND o.is_ours)) AND NOT ",
    on_a_ledger!("o.kind", "o.name"),
    " ORDER BY o.kind, o.name LIMIT 1"
);

/// Whether somebody may own what is called ?2.
pub const IS_ON_A_LEDGER: &str = concat!("SELECT ", on_a_ledger!("?1", "?2"), " AS is_owned");

/// Everything that is known of orphans, as `jobs::seen_orphans` reads it.
macro_rules! orphan_columns {
    () => {
        "SELECT kind, name, external_id, is_ours, first_seen_ms, last_seen_ms, delete_asked_at_ms FROM orphan"
    };
}

/// The orphans by kind and name.
pub const ORPHANS: &str = concat!(orphan_columns!(), " ORDER BY kind, name LIMIT ?1");

/// One of them.
pub const ORPHAN: &str = concat!(orphan_columns!(), " WHERE kind = ?1 AND name = ?2");

/// An operator's word that an orphan is to go, if it is still this one.
pub const ASK_ORPHAN_DELETION: &str = "UPDATE orphan SET delete_asked_at_ms = COALESCE(delete_asked_at_ms, ?4) \
     WHERE kind = ?1 AND name = ?2 AND external_id IS ?3";

/// An orphan that is gone.
pub const FORGET_ORPHAN: &str = "DELETE FROM orphan WHERE kind = ?1 AND name = ?2";

/// The next line after the name ?2 of kind ?1, of a tenant at rest, that begins with ?3, was known to be there before ?4,
/// and is not among the names of ?5 (a JSON list).
pub const NEXT_MISSING: &str = "SELECT r.tenant_id, r.name FROM resource r JOIN tenant t ON t.id = r.tenant_id \
     WHERE r.kind = ?1 AND r.name > ?2 AND substr(r.name, 1, length(?3)) = ?3 AND r.state = 'present' \
     AND r.confirmed_at_ms < ?4 AND t.phase IN ('ready', 'suspended') AND t.lease_token IS NULL \
     AND r.name NOT IN (SELECT value FROM json_each(?5)) ORDER BY r.name LIMIT 1";
