//! The fleet: counts, pages, what needs a person. Each statement names the index that it walks, so that no statistics of
//! the database can choose another: D1 bills, and waits for, every row that is read.

/// How many tenants there are, and instances that they may have at once.
pub const FLEET: &str = "SELECT phase, instance_type, tenants, instances FROM fleet WHERE tenants <> 0";

/// A page in the order of an index: of at most ?3 tenants from (?1, ?2) on, the first ?4 that are as the filters say:
/// phase ?5, owner ?6, size ?7, release ?8, no other condition ?9, name from ?10 to before ?11. The ?3rd comes with them
/// whatever it is: `is_shown` says what it is, `place` that it is the last that was looked at.
macro_rules! page {
    ($index:literal, $at:literal, $order:literal) => {
        concat!(
            "SELECT *, ROW_NUMBER() OVER (ORDER BY ",
            $order,
            ") AS place, (phase = ?5 OR ?5 IS NULL AND phase <> 'deleted') AND (?6 IS NULL OR owner = ?6) \
             AND (?7 IS NULL OR spec ->> 'instance_type' = ?7) AND (?8 IS NULL OR release_id = ?8) \
             AND (?9 IS NULL OR CASE ?9 \
             WHEN 'Ready' THEN instr(conditions, '\"type\":\"Ready\",\"status\":\"True\"') = 0 \
             WHEN 'SecretsReady' THEN instr(conditions, '\"type\":\"SecretsReady\",\"status\":\"False\"') > 0 \
             ELSE instr(conditions, '\"type\":\"Stalled\",\"status\":\"True\"') > 0 END) \
             AND name >= ?10 AND name < ?11 AS is_shown FROM (SELECT ",
            tenant_columns!(),
            " FROM tenant t INDEXED BY ",
            $index,
            " WHERE ",
            $at,
            " ORDER BY ",
            $order,
            " LIMIT ?3)"
        )
    };
}

/// The walked part of a page, and of it what is shown. They come in the order in which they are walked; asked to put them in
/// order, the database would walk on to the end before it shows the first.
macro_rules! shown {
    ($index:literal, $at:literal, $order:literal) => {
        concat!("SELECT * FROM (", page!($index, $at, $order), ") WHERE is_shown OR place = ?3 LIMIT ?4")
    };
}

/// All that live, by name.
pub const BY_NAME: &str = shown!("tenant_name", "deleted_at_ms IS NULL AND name >= ?1 AND name < ?11", "name");

/// Those of a phase.
pub const OF_PHASE: &str = shown!("tenant_by_phase", "phase = ?5 AND (name, id) > (?1, ?2) AND name < ?11", "name, id");

/// Those of an owner.
pub const OF_OWNER: &str =
    shown!("tenant_of_owner", "owner = ?6 AND deleted_at_ms IS NULL AND name >= ?1 AND name < ?11", "name");

/// Those of a size.
pub const OF_SIZE: &str = shown!(
    "tenant_of_size",
    "spec ->> 'instance_type' = ?7 AND deleted_at_ms IS NULL AND name >= ?1 AND name < ?11",
    "name"
);

/// Those of a release.
pub const OF_RELEASE: &str =
    shown!("tenant_of_release", "release_id = ?8 AND deleted_at_ms IS NULL AND name >= ?1 AND name < ?11", "name");

/// Those that are not ready.
pub const UNREADY: &str = shown!(
    "tenant_unready",
    "deleted_at_ms IS NULL AND instr(conditions, '\"type\":\"Ready\",\"status\":\"True\"') = 0 \
     AND name >= ?1 AND name < ?11",
    "name"
);

/// Those whose secrets are not live.
pub const SECRETS_UNREADY: &str = shown!(
    "tenant_secrets_unready",
    "deleted_at_ms IS NULL AND instr(conditions, '\"type\":\"SecretsReady\",\"status\":\"False\"') > 0 \
     AND name >= ?1 AND name < ?11",
    "name"
);

/// Those that take too long.
pub const STALLED: &str = shown!(
    "tenant_stalled",
    "deleted_at_ms IS NULL AND instr(conditions, '\"type\":\"Stalled\",\"status\":\"True\"') > 0 \
     AND name >= ?1 AND name < ?11",
    "name"
);

/// Newest sign-up first.
pub const NEWEST: &str = shown!("tenant_created", "(created_at_ms, id) < (?1, ?2)", "created_at_ms DESC, id DESC");

/// Latest change first.
pub const LATEST: &str = shown!("tenant_changed", "(updated_at_ms, id) < (?1, ?2)", "updated_at_ms DESC, id DESC");

/// Since when a tenant is on its way, as `tenant_on_its_way` has it.
macro_rules! on_its_way_since {
    () => {
        "MAX(COALESCE(keep_data_until_ms, 0), wanted_since_ms)"
    };
}

/// Tenants of phase ?1 that are there since ?2 or longer, longest first: at most ?3, of at most 100 that are looked at.
/// What is paused waits by somebody's will; a failed one is shown all the same.
pub const STUCK: &str = concat!(
    "SELECT * FROM (SELECT ",
    tenant_columns!(),
    ", ",
    on_its_way_since!(),
    " AS since FROM tenant t INDEXED BY tenant_on_its_way WHERE phase IN ('pending', 'updating', 'failed', 'deleting') \
     AND phase = ?1 AND ",
    on_its_way_since!(),
    " <= ?2 ORDER BY ",
    on_its_way_since!(),
    " LIMIT 100) WHERE paused_at_ms IS NULL OR phase = 'failed' LIMIT ?3"
);

/// Tenants that lack secrets which only their owner can set, by name: at most ?1.
pub const LACK_SECRETS: &str = concat!(
    "SELECT ",
    tenant_columns!(),
    " FROM tenant t INDEXED BY tenant_lacks_secrets WHERE deleted_at_ms IS NULL \
     AND (instr(conditions, '\"type\":\"SecretsReady\",\"status\":\"False\",\"reason\":\"Missing\"') > 0 \
     OR instr(conditions, '\"type\":\"SecretsReady\",\"status\":\"False\",\"reason\":\"Lost\"') > 0) ORDER BY name LIMIT ?1"
);

/// What waits for a round at ?1, of at most ?2 that are looked at: how many of them are free to be taken, since when the
/// first of these, how many rounds vanished, and how many were looked at.
pub const DUE_NOW: &str = "SELECT COUNT(*) AS looked_at, \
     COUNT(*) FILTER (WHERE lease_expires_ms <= ?1 AND paused_at_ms IS NULL) AS due, \
     MIN(due_at_ms) FILTER (WHERE lease_expires_ms <= ?1 AND paused_at_ms IS NULL) AS oldest_due_ms, \
     COUNT(*) FILTER (WHERE lease_token IS NOT NULL AND lease_expires_ms <= ?1) AS vanished \
     FROM (SELECT due_at_ms, lease_expires_ms, lease_token, paused_at_ms FROM tenant INDEXED BY tenant_due \
     WHERE due_at_ms <= ?1 ORDER BY due_at_ms LIMIT ?2)";

/// The jobs, and how each last ended.
pub const JOBS: &str = "SELECT name, started_at_ms, finished_at_ms IS NULL AS is_under_way, \
     report ->> '$.end.finished_at_ms' AS ended_at_ms, report ->> '$.end.outcome' AS outcome, \
     report ->> '$.end.error' AS error FROM job ORDER BY name LIMIT 50";

/// The tenants whose ids are in ?1, a JSON list, by name.
pub const THESE: &str = concat!(
    "SELECT ",
    tenant_columns!(),
    " FROM (SELECT DISTINCT value FROM json_each(?1)) i CROSS JOIN tenant t ON t.id = i.value ORDER BY t.name, t.id"
);
