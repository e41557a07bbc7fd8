//! Requests to show, and the answers that they claim. Tests send each of them, and write down what it is answered.

use serde_json::Value as Json;

use super::common::Caller;
use super::operation::Operation;

/// The tenant of the examples.
pub const TENANT: &str = "alice";
/// The secret of the examples.
pub const SECRET: &str = "ANTHROPIC_API_KEY";
/// Stands for the id of a token, which nobody knows before.
pub const TOKEN_ID: &str = "tok_5f2b8c1d9e3a7460";

/// Stands for the id of the release.
pub const RELEASE_ID: &str = "rel_0f1e2d3c4b5a6978";

/// The bucket on nobody's ledger.
pub const ORPHAN: &str = "moltbot-data-lost";

/// Stands for the id of an invite.
pub const INVITE_ID: &str = "ivt_0d4f6b8a2c1e3579";

/// What is there before a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Given {
    /// A plane without tenants.
    #[default]
    Nobody,
    /// A plane without tenants, and sign-up by invitation.
    ByInvitation,
    /// A tenant that is ready, with the secret.
    Tenant,
    /// The same, standing still.
    Suspended,
    /// The same, being deleted, its data still kept.
    Deleting,
    /// A plane without tenants, with the invite [`INVITE_ID`].
    Invite,
    /// A plane without tenants, and the bucket [`ORPHAN`] in the account.
    Orphan,
    /// A tenant that is ready, with the second token [`TOKEN_ID`].
    SecondToken,
}

/// A request, and what it is answered.
#[derive(Clone, Debug)]
pub struct Example {
    /// What is particular about it.
    pub title: &'static str,
    /// What is there before.
    pub given: Given,
    /// The query, as it is sent.
    pub query: &'static [(&'static str, &'static str)],
    /// The body.
    pub body: Option<Json>,
    /// The status of the answer.
    pub status: u16,
    /// The code of the problem that is the answer.
    pub code: Option<&'static str>,
}

/// What proves who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shown {
    /// Nothing.
    Nothing,
    /// The tenant's token.
    Token,
    /// An operator's token of Cloudflare Access.
    Access,
}

/// An example as it is sent.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The operation's id.
    pub operation: &'static str,
    /// The route's address, as the table of routes has it.
    pub route: &'static str,
    /// The method.
    pub method: http::Method,
    /// The address with its query.
    pub address: String,
    /// What is shown.
    pub shown: Shown,
    /// The request, and what it is answered.
    pub example: Example,
}

impl Example {
    /// A request that is answered so.
    pub fn of(title: &'static str, given: Given, status: u16) -> Self {
        Self { title, given, query: &[], body: None, status, code: None }
    }

    /// With this query.
    pub fn query(mut self, query: &'static [(&'static str, &'static str)]) -> Self {
        self.query = query;
        self
    }

    /// With this body.
    pub fn body(mut self, body: Json) -> Self {
        self.body = Some(body);
        self
    }

    /// Refused with this code.
    pub fn refused(mut self, code: &'static str) -> Self {
        self.code = Some(code);
        self
    }

    /// Its name in the document.
    pub fn key(&self) -> String {
        self.title.to_ascii_lowercase().replace(' ', "-").replace(|c: char| !c.is_ascii_alphanumeric() && c != '-', "")
    }
}

impl Sample {
    /// `example` of `operation`.
    pub(super) fn of(operation: &Operation, example: &Example) -> Self {
        let query: Vec<String> = example.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mark = if query.is_empty() { "" } else { "?" };
        let path = operation
            .path
            .replace("{name}", TENANT)
            .replace("{secret}", SECRET)
            .replace("{token}", TOKEN_ID)
            .replace("{release}", RELEASE_ID)
            .replace("{kind}", "bucket")
            .replace("{orphan}", ORPHAN)
            .replace("{id}", INVITE_ID);
        Self {
            operation: operation.id,
            route: operation.path,
            method: operation.method.clone(),
            address: format!("{path}{mark}{}", query.join("&")),
            shown: match super::common::caller(operation) {
                Caller::Anyone => Shown::Nothing,
                Caller::Owner(_) => Shown::Token,
                Caller::Operator(_) => Shown::Access,
            },
            example: example.clone(),
        }
    }

    /// The request as it is typed; `$PLANE` is the plane's address, `$TOKEN` the tenant's token,
    /// `$ACCESS_TOKEN` what `cloudflared access token` says.
    pub fn curl(&self) -> String {
        let mut words = vec!["curl".to_owned()];
        if self.method != http::Method::GET && !(self.method == http::Method::POST && self.example.body.is_some()) {
            words.push(format!("-X {}", self.method));
        }
        words.push(format!("\"$PLANE{}\"", self.address));
        match self.shown {
            Shown::Nothing => {}
            Shown::Token => words.push("-H \"Authorization: Bearer $TOKEN\"".to_owned()),
            Shown::Access => words.push("-H \"Cf-Access-Token: $ACCESS_TOKEN\"".to_owned()),
        }
        if let Some(body) = &self.example.body {
            words.push(format!("--json '{body}'"));
        }
        words.join(" \\\n  ")
    }
}
