//! What operators do.

use http::Method;
use serde_json::json;

use super::bodies;
use super::example::{Example, Given};
use super::operation::Operation;
use crate::http::api::operator::{audit, doctor, invites, orphans, releases, sweeps};
use crate::http::error::ApiError as E;

const INVITES: &str = "/admin/api/invites";

/// A line's number in the audit log.
fn line_number(least: i64) -> serde_json::Value {
    json!({"type": "integer", "minimum": least, "maximum": (1_i64 << 53) - 1})
}

/// The operations.
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, "/admin/api/doctor", "examine", "Examine the deployment")
            .about(
                "Whether account, token, database, cron, queue, release and Access are as they should be. What is wrong is in \
                 the answer, which is 200 whatever was found. Looks anew each time, and makes four calls to Cloudflare, if \
                 sign-ups and changes leave some of the account's calls.",
            )
            .answers::<doctor::Doctor<'static>>(200, "What was found.")
            .example(Example::of("A plane that was never ticked", Given::Nobody, 200)),
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
        Operation::new(Method::GET, "/admin/api/releases", "listReleases", "List the releases")
            .about("Newest first.")
            .query("limit", json!({"type": "integer", "minimum": 1, "maximum": releases::MAX_LINES, "default": 50}), "Most releases.")
            .answers::<releases::Listing<'static>>(200, "The releases.")
            .example(Example::of("One release", Given::Nobody, 200)),
        Operation::new(Method::PUT, "/admin/api/releases/{release}/default", "makeDefault", "Give a release to sign-ups")
            .about("Whoever signs up from now on gets it. Tenants that are there stay with theirs.")
            .dry_run()
            .answers::<releases::Answer<'static>>(200, "The release as it is now.")
            .problems([E::NoSuchRelease, E::UnsupportedMediaType, E::NotJson(String::new())])
            .example(Example::of("It has it already", Given::Nobody, 200)),
        Operation::new(Method::GET, "/admin/api/sweeps", "listSweeps", "Read what runs by itself")
            .about("When each sweep last ran, and what it found.")
            .answers::<sweeps::Listing<'static>>(200, "The sweeps, by name. One that never ran is not there.")
            .example(Example::of("None ran yet", Given::Nobody, 200)),
        Operation::new(Method::GET, "/admin/api/orphans", "listOrphans", "List what is nobody's")
            .about("What the sweeps saw in the account under the plane's names or with its mark, and on nobody's ledger.")
            .answers::<orphans::Listing<'static>>(200, "The orphans, by kind and name.")
            .example(Example::of("None", Given::Nobody, 200)),
        Operation::new(Method::DELETE, "/admin/api/orphans/{kind}/{orphan}", "deleteOrphan", "Have it deleted")
            .about("By the next sweeps, once it was seen for a day; a bucket only if it is empty.")
            .dry_run()
            .answers::<orphans::Answer<'static>>(200, "It was asked for already; or, of a dry run, what would be.")
            .answers::<orphans::Answer<'static>>(202, "It is written down.")
            .problems([E::NoSuchOrphan])
            .example(Example::of("An orphan", Given::Orphan, 202))
            .example(Example::of("No such orphan", Given::Nobody, 404).refused("no_such_orphan")),
        Operation::new(Method::GET, "/admin/api/audit", "listActs", "Read the audit log")
            .about("Everything that operators did, newest first. `next` is where the list goes on.")
            .query("limit", json!({"type": "integer", "minimum": 1, "maximum": audit::MAX_LINES, "default": 50}), "Most lines.")
            .query("before", line_number(1), "Only lines before this one.")
            .query("actor", json!({"type": "string"}), "Only what this operator did.")
            .query("target", json!({"type": "string"}), "Only what was done to the tenant of this name, or the invite of this id.")
            .answers::<audit::Page>(200, "A page.")
            .example(Example::of("One act", Given::Invite, 200)),
        Operation::new(Method::GET, "/admin/api/audit/check", "checkActs", "Check the audit log")
            .about("Whether each line is as it was written, by the chain of hashes, for ten thousand lines. `next` is where it goes on.")
            .query("after", line_number(0), "The line to begin after; it is taken as it is.")
            .answers::<audit::Check>(200, "How far it holds, and what is wrong there.")
            .example(Example::of("It holds", Given::Invite, 200)),
        Operation::new(Method::GET, "/admin/api/audit.jsonl", "exportActs", "Export the audit log")
            .about("JSON lines, oldest first, a thousand at a time; a header `Link` says where they go on. Each line is `{\"hash\": …, \"entry\": …}`; the hash is SHA-256, in hexadecimal digits, of the hash of the line before (64 zeros before the first), a line feed, and the entry as it stands there.")
            .query("after", line_number(0), "The last line that you have.")
            .answers::<String>(200, "The lines.")
            .example(Example::of("One act", Given::Invite, 200)),
    ]
}
