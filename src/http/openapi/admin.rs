//! What operators do.

use http::Method;
use serde_json::json;

use super::bodies;
use super::example::{Example, Given};
use super::operation::Operation;
use crate::http::api::operator::invites;
use crate::http::error::ApiError as E;

const INVITES: &str = "/admin/api/invites";

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, INVITES, "listInvites", "List the invites")
            .about("Newest first; never their codes. `next` is where the list goes on.")
            .query(
                "limit",
                json!({"type": "integer", "minimum": 1, "maximum": invites::MAX_LINES, "default": 50}),
                "Most invites.",
            )
            .query("cursor", json!({"type": "string", "pattern": "^[0-9]{1,13}\\..*$"}), "Where the page before ended.")
            .answers::<invites::Page<'static>>(200, "A page.")
            .example(Example::of("One invite", Given::Invite, 200)),
        Operation::new(Method::POST, INVITES, "createInvite", "Make an invite")
            .about("Good for one sign-up. The code is shown this once.")
            .dry_run()
            .body(bodies::invite())
            .answers::<invites::Made<'static>>(200, "Of a dry run: what would be made.")
            .answers::<invites::Made<'static>>(201, "The invite and its code.")
            .headers(&["Location"])
            .example(
                Example::of("For a colleague", Given::Nobody, 201)
                    .body(json!({"name": "acme", "largest": "standard-2", "owner": "acme", "expires_in_days": 14})),
            )
            .example(Example::of("For anyone", Given::Nobody, 201).body(json!({}))),
        Operation::new(Method::DELETE, "/admin/api/invites/{id}", "revokeInvite", "Revoke an invite")
            .about("One that was used, or is revoked, stays as it is.")
            .dry_run()
            .answers::<invites::Made<'static>>(200, "The invite as it is now.")
            .problems([E::NoSuchInvite])
            .example(Example::of("A good one", Given::Invite, 200))
            .example(Example::of("No such invite", Given::Nobody, 404).refused("no_such_invite")),
    ]
}
