//! What is deleted when it was kept for long enough.

/// At most ?2 lines of history of living tenants that are older than ?1.
pub const PURGE_EVENTS: &str = "DELETE FROM event WHERE id IN (SELECT e.id FROM event e JOIN tenant t ON t.id = e.tenant_id \
     WHERE e.at_ms <= ?1 AND t.deleted_at_ms IS NULL ORDER BY e.at_ms LIMIT ?2)";

/// At most ?2 orphans that were last seen by ?1.
pub const PURGE_ORPHANS: &str = "DELETE FROM orphan WHERE (kind, name) IN \
     (SELECT kind, name FROM orphan WHERE last_seen_ms <= ?1 LIMIT ?2)";

/// At most ?2 tombstones from before ?1, none of which may still have anything in Cloudflare, are chosen by this.
macro_rules! old_tombstones {
    () => {
        "(SELECT id FROM tenant WHERE deleted_at_ms <= ?1 AND NOT EXISTS (SELECT 1 FROM resource r \
         WHERE r.tenant_id = id AND r.kind IN ('bucket', 'script', 'application') \
         AND (r.state <> 'absent' OR r.asked_at_ms IS NOT NULL)) ORDER BY deleted_at_ms, id LIMIT ?2)"
    };
}

/// At most ?3 lines of history of old tombstones.
pub const PURGE_TOMBSTONE_EVENTS: &str =
    concat!("DELETE FROM event WHERE id IN (SELECT id FROM event WHERE tenant_id IN ", old_tombstones!(), " LIMIT ?3)");

/// Old tombstones whose history is gone, with all their rows: in one batch each statement chooses the same ones.
pub const PURGE_TOMBSTONES: [&str; 4] = [
    concat!("DELETE FROM secret WHERE tenant_id IN ", old_tombstones!()),
    concat!("DELETE FROM token WHERE tenant_id IN ", old_tombstones!()),
    concat!("DELETE FROM resource WHERE tenant_id IN ", old_tombstones!()),
    concat!("DELETE FROM tenant WHERE id IN ", old_tombstones!()),
];

/// At most ?2 keys of repeated requests that were first used by ?1.
pub const PURGE_KEYS: &str = "DELETE FROM idempotency WHERE (scope, key_hash) IN \
     (SELECT scope, key_hash FROM idempotency WHERE created_at_ms <= ?1 LIMIT ?2)";

/// At most ?2 invites that expired by ?1, used or not.
pub const PURGE_INVITES: &str =
    "DELETE FROM invite WHERE id IN (SELECT id FROM invite WHERE expires_at_ms <= ?1 LIMIT ?2)";

/// At most ?2 tokens that are good for nothing since ?1 or before.
pub const PURGE_TOKENS: &str = "DELETE FROM token WHERE id IN \
     (SELECT id FROM token WHERE revoked_at_ms <= ?1 OR expires_at_ms <= ?1 LIMIT ?2)";
