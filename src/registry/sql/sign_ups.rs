//! Sign-ups: what they write, and what they are measured by.

/// Sign-ups since ?1: at most ?2 are read.
macro_rules! recent {
    ($read:literal) => {
        concat!(
            "(SELECT ",
            $read,
            " FROM (SELECT created_at_ms FROM tenant WHERE created_at_ms > ?1 \
             ORDER BY created_at_ms DESC LIMIT COALESCE(?2, 0)))"
        )
    };
}

/// Tenants of the owner ?3, deleted ones not counted: at most ?4 are read.
macro_rules! of_owner {
    () => {
        "(SELECT COUNT(*) FROM (SELECT 1 FROM tenant WHERE owner = ?3 AND deleted_at_ms IS NULL LIMIT COALESCE(?4, 0)))"
    };
}

/// All tenants but deleted ones.
macro_rules! in_all {
    () => {
        "(SELECT COALESCE(SUM(tenants), 0) FROM fleet)"
    };
}

/// Guard: one more sign-up is within each limit: ?2 since ?1, ?4 of the owner ?3, ?5 in all. NULL is no limit.
pub const GUARD_SIGN_UP_LIMITS: &str = concat!(
    "SELECT CASE WHEN ?2 <= ",
    recent!("COUNT(*)"),
    " THEN ",
    refuse!("limit_of_hour"),
    " WHEN ?4 <= ",
    of_owner!(),
    " THEN ",
    refuse!("limit_of_owner"),
    " WHEN ?5 <= ",
    in_all!(),
    " THEN ",
    refuse!("limit_in_all"),
    " ELSE 1 END AS held"
);

/// How much of each limit is used, with the same parameters but the last: a count never says more than its limit.
pub const SIGN_UP_STANDING: &str = concat!(
    "SELECT ",
    recent!("COUNT(*)"),
    " AS of_hour, ",
    recent!("MIN(created_at_ms)"),
    " AS oldest_of_hour_ms, ",
    of_owner!(),
    " AS of_owner, ",
    in_all!(),
    " AS in_all"
);

/// Guard after a write: all tenants together are within ?2 vCPU, ?3 memory and ?4 disk, in the units of ?1, which has the
/// three of each size. NULL is no limit.
pub const GUARD_ROOM: &str = concat!(
    "SELECT CASE WHEN ?2 < vcpu OR ?3 < memory OR ?4 < disk THEN ",
    refuse!("no_room"),
    " ELSE 1 END AS held FROM (SELECT SUM(instances * (value ->> 0)) AS vcpu, SUM(instances * (value ->> 1)) AS memory, \
     SUM(instances * (value ->> 2)) AS disk FROM fleet JOIN json_each(?1) ON key = instance_type)"
);

/// A new tenant, with the size cap of the invite ?9. Fails on `tenant.name` when a living tenant has the name.
pub const INSERT_TENANT: &str = "INSERT INTO tenant \
     (id, name, phase, generation, spec, release_id, conditions, wanted_since_ms, expires_at_ms, due_at_ms, \
     created_at_ms, updated_at_ms, owner, largest) \
     VALUES (?1, ?2, 'pending', 1, ?3, ?4, ?5, ?6, ?7, ?6, ?6, ?6, ?8, (SELECT largest FROM invite WHERE id = ?9))";

/// A line of the ledger for something that does not exist yet.
pub const INSERT_RESOURCE: &str = "INSERT INTO resource (tenant_id, kind, name, state) VALUES (?1, ?2, ?3, 'absent')";

/// Whether a living tenant has a name.
pub const NAME_TAKEN: &str = "SELECT 1 AS taken FROM tenant WHERE name = ?1 AND deleted_at_ms IS NULL";
