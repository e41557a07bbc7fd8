//! Invites.

/// Every column of an invite but its hash, as `invites::invite` reads them.
macro_rules! invite_columns {
    () => {
        "id, created_at_ms, expires_at_ms, tenant_name, largest, owner, note, revoked_at_ms, used_at_ms, used_by"
    };
}

/// A new invite.
pub const INSERT_INVITE: &str = "INSERT INTO invite \
     (id, hash, created_at_ms, expires_at_ms, tenant_name, largest, owner, note) \
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";

/// A page of invites, newest first: those before (?1, ?2).
pub const INVITES: &str = concat!(
    "SELECT ",
    invite_columns!(),
    " FROM invite WHERE (created_at_ms, id) < (?1, ?2) ORDER BY created_at_ms DESC, id DESC LIMIT ?3"
);

/// The invite of a code.
pub const INVITE_OF_CODE: &str = concat!("SELECT ", invite_columns!(), ", hash FROM invite WHERE hash = ?1");

/// One invite.
pub const INVITE: &str = concat!("SELECT ", invite_columns!(), " FROM invite WHERE id = ?1");

/// The end of an invite; one that was used or revoked stays as it is.
pub const REVOKE_INVITE: &str =
    "UPDATE invite SET revoked_at_ms = ?2 WHERE id = ?1 AND used_at_ms IS NULL AND revoked_at_ms IS NULL";

/// Tenant ?3 signs up with an invite at ?2. Followed by the guard.
pub const USE_INVITE: &str = "UPDATE invite SET used_at_ms = ?2, used_by = ?3 \
     WHERE id = ?1 AND used_at_ms IS NULL AND revoked_at_ms IS NULL AND expires_at_ms > ?2";

/// Guard: the statement before it used the invite; the name says why it did not.
pub const GUARD_INVITE_USED: &str = "SELECT CASE WHEN changes() = 1 THEN 1 ELSE json_extract('{}', 'guard:' || \
     COALESCE((SELECT CASE WHEN used_at_ms IS NOT NULL THEN 'invite_used' \
     WHEN revoked_at_ms IS NOT NULL THEN 'invite_revoked' ELSE 'invite_expired' END FROM invite WHERE id = ?1), \
     'invite_unknown')) END AS held";
