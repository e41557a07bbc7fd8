//! Tokens.

/// Every column of a token, as `tokens::token` reads them. Some have names that a tenant's columns have, too.
macro_rules! token_columns {
    () => {
        "k.id AS token_id, k.scopes, k.created_at_ms AS token_created_at_ms, k.expires_at_ms AS token_expires_at_ms, \
         k.last_used_at_ms, k.revoked_at_ms"
    };
}

/// The condition that a token is good for something at ?2.
macro_rules! is_good {
    () => {
        "revoked_at_ms IS NULL AND (expires_at_ms IS NULL OR expires_at_ms > ?2)"
    };
}

/// In one batch: a good token was used at ?2, noted unless it was noted after ?3, so that most requests write nothing;
/// the tenant that it belongs to, tombstones included; the ledger of that tenant.
macro_rules! find_by {
    ($column:literal) => {
        [
            concat!(
                "UPDATE token SET last_used_at_ms = ?2 WHERE ",
                $column,
                " = ?1 AND (last_used_at_ms IS NULL OR last_used_at_ms <= ?3) AND ",
                is_good!()
            ),
            concat!(
                "SELECT ",
                tenant_columns!(),
                ", ",
                token_columns!(),
                ", k.hash AS token_hash FROM token k JOIN tenant t ON t.id = k.tenant_id WHERE k.",
                $column,
                " = ?1"
            ),
            concat!(
                "SELECT ",
                resource_columns!(),
                " FROM token k JOIN resource r ON r.tenant_id = k.tenant_id WHERE k.",
                $column,
                " = ?1",
                in_order!()
            ),
        ]
    };
}

/// What the token of a hash opens.
pub const FIND_BY_HASH: [&str; 3] = find_by!("hash");

/// What the token of an id opens.
pub const FIND_BY_ID: [&str; 3] = find_by!("id");

/// Guard: the tenant lives, and fewer than ?3 of its tokens are good at ?2.
pub const GUARD_ROOM_FOR_TOKEN: &str = concat!(
    "SELECT CASE WHEN NOT EXISTS (SELECT 1 FROM tenant WHERE id = ?1 AND deleted_at_ms IS NULL) THEN ",
    refuse!("conflict"),
    " WHEN (SELECT COUNT(*) FROM (SELECT 1 FROM token WHERE tenant_id = ?1 AND ",
    is_good!(),
    " LIMIT ?3)) >= ?3 THEN ",
    refuse!("token_limit"),
    " ELSE 1 END AS held"
);

/// A token's hash, and what it is good for.
pub const INSERT_TOKEN: &str = "INSERT INTO token (id, tenant_id, hash, scopes, expires_at_ms, created_at_ms) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6)";

/// A tenant's tokens: those that are not revoked first, newest first.
pub const TOKENS: &str = concat!(
    "SELECT ",
    token_columns!(),
    " FROM token k WHERE k.tenant_id = ?1 ORDER BY k.revoked_at_ms IS NOT NULL, k.created_at_ms DESC, k.id LIMIT ?2"
);

/// One of a tenant's tokens.
pub const TOKEN: &str = concat!("SELECT ", token_columns!(), " FROM token k WHERE k.tenant_id = ?1 AND k.id = ?2");

/// The end of a token at ?3; a revoked one stays as it is, and so does the last that never expires and has the scopes ?4.
pub const REVOKE_TOKEN: &str = "UPDATE token SET revoked_at_ms = ?3 \
     WHERE tenant_id = ?1 AND id = ?2 AND revoked_at_ms IS NULL AND (expires_at_ms IS NOT NULL OR scopes <> ?4 OR EXISTS \
     (SELECT 1 FROM token o WHERE o.tenant_id = ?1 AND o.id <> ?2 AND o.revoked_at_ms IS NULL \
     AND o.expires_at_ms IS NULL AND o.scopes = ?4))";

/// The end of all of a tenant's tokens but ?2.
pub const REVOKE_OTHER_TOKENS: &str =
    "UPDATE token SET revoked_at_ms = ?3 WHERE tenant_id = ?1 AND id IS NOT ?2 AND revoked_at_ms IS NULL";

/// A line of history, if the statement before it changed anything.
pub const INSERT_EVENT_OF_CHANGE: &str = "INSERT INTO event (tenant_id, at_ms, generation, reason, message) \
     SELECT id, ?2, generation, ?3, ?4 FROM tenant WHERE id = ?1 AND changes() > 0";
