//! A tenant's secrets and tokens.

use http::Method;
use serde_json::json;

use super::bodies;
use super::example::{Example, Given};
use super::operation::Operation;
use crate::http::api::{change, secrets, tokens};
use crate::http::error::ApiError as E;

const SECRETS: &str = "/v1/tenants/{name}/secrets";
const SECRET: &str = "/v1/tenants/{name}/secrets/{secret}";
const TOKENS: &str = "/v1/tenants/{name}/tokens";

/// The operations.
pub fn operations() -> Vec<Operation> {
    let mut operations = secrets();
    operations.extend(tokens());
    operations
}

/// A change of secrets. It always asks for something: there is no telling whether a value is a new one.
fn changes(operation: Operation) -> Operation {
    operation
        .dry_run()
        .activity()
        .if_match()
        .answers::<change::DryRun<'static>>(200, "Of a dry run: what would be done.")
        .answers::<change::Answer<'static>>(202, "It is written down, and goes to the Worker in one call. The condition `SecretsReady` says when it is live.")
        .problems([E::BeingDeleted, E::Conflict, E::NoSuchSecret, E::TooManySecrets])
}

fn secrets() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, SECRETS, "listSecrets", "List the secrets")
            .about("Names and states. Values are never readable.")
            .answers::<secrets::Listing<'static>>(200, "The secrets, and which required ones are missing.")
            .example(Example::of("The secrets", Given::Tenant, 200)),
        changes(Operation::new(Method::PATCH, SECRETS, "changeSecrets", "Set and delete several secrets"))
            .about("All of them or none, and one restart at most.")
            .body(bodies::secrets())
            .example(
                Example::of("One set and one deleted", Given::Tenant, 202)
                    .body(json!({"TELEGRAM_BOT_TOKEN": "123456:example", "ANTHROPIC_API_KEY": null})),
            )
            .example(
                Example::of("Refused names", Given::Tenant, 422)
                    .body(json!({"DEV_MODE": "true", "lower": "x"}))
                    .refused("invalid"),
            ),
        changes(Operation::new(Method::PUT, SECRET, "setSecret", "Set a secret"))
            .body(bodies::secret())
            .example(Example::of("A new value", Given::Tenant, 202).body(json!({"value": "sk-ant-another"}))),
        changes(Operation::new(Method::DELETE, SECRET, "deleteSecret", "Delete a secret")).example(Example::of(
            "One that is set",
            Given::Tenant,
            202,
        )),
    ]
}

fn tokens() -> Vec<Operation> {
    vec![
        Operation::new(Method::GET, TOKENS, "listTokens", "List the tokens")
            .about("Everything of them but themselves.")
            .answers::<tokens::Listing<'static>>(200, "The tokens, good ones first.")
            .example(Example::of("Two tokens", Given::SecondToken, 200)),
        Operation::new(Method::POST, TOKENS, "createToken", "Make another token")
            .about("The token is shown this once. It is good for no more than the one that asks.")
            .dry_run()
            .body(bodies::token())
            .answers::<tokens::Made<'static>>(200, "Of a dry run: what would be made.")
            .answers::<tokens::Made<'static>>(201, "The token, and what it is good for.")
            .headers(&["Location"])
            .problems([E::BeingDeleted, E::TooManyTokens])
            .example(
                Example::of("To read for a month", Given::Tenant, 201)
                    .body(json!({"scopes": ["read"], "expires_in_days": 30})),
            )
            .example(Example::of("A third one", Given::SecondToken, 409).body(json!({})).refused("too_many_tokens")),
        Operation::new(Method::DELETE, "/v1/tenants/{name}/tokens/{token}", "revokeToken", "Revoke a token")
            .about("It is good for nothing from now on. The last good one cannot be revoked.")
            .dry_run()
            .answers::<tokens::Made<'static>>(200, "The token as it is now.")
            .problems([E::NoSuchToken, E::LastToken])
            .example(Example::of("The second one", Given::SecondToken, 200))
            .example(Example::of("No such token", Given::Tenant, 404).refused("no_such_token")),
    ]
}
