//! What tells how the plane is. Each reads a few rows, however many tenants there are; of tenants only those that wait.

/// The migrations that wrangler has applied.
pub const APPLIED_MIGRATIONS: &str = "SELECT name FROM d1_migrations ORDER BY id";

/// When each job last began, and why it failed, if it did.
pub const JOBS: &str = "SELECT name, started_at_ms, CASE report ->> '$.end.outcome' WHEN 'failed' \
     THEN COALESCE(report ->> '$.end.error', '') END AS error FROM job ORDER BY name";

/// Since when the tenant that has waited longest is due at ?1, has no round and is not paused.
pub const OLDEST_DUE: &str = "SELECT due_at_ms FROM tenant WHERE due_at_ms <= ?1 AND lease_expires_ms <= ?1 \
     AND paused_at_ms IS NULL ORDER BY due_at_ms LIMIT 1";

/// A secret that is still sealed, if there is one among the tenants that have a round before them.
pub const SEALED_SECRET: &str = "SELECT s.tenant_id, s.name, s.version, s.sealed FROM \
     (SELECT id FROM tenant WHERE due_at_ms IS NOT NULL ORDER BY due_at_ms LIMIT 20) t \
     CROSS JOIN secret s ON s.tenant_id = t.id WHERE s.sealed IS NOT NULL LIMIT 1";

/// The answer that was kept last.
pub const NEWEST_ANSWER: &str = "SELECT scope, key_hash, answer FROM idempotency ORDER BY created_at_ms DESC LIMIT 1";
