//! What the account or its token lacks, on demand. Nothing, unless a test or a person says so.
//!
//! How Cloudflare refuses it, as far as a source was found: a missing permission is 403 with code 10000 ("Authentication
//! error", recorded with wrangler); R2 that was never enabled 403 with 10042 (R2's page of error codes, workers-sdk#2877);
//! containers on an account without the paid plan 401 with the words that ghost-build#118 quotes, number not known; a token of
//! a user at the account's own route of verification 401 with 1000.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::emulator::Emulator;
use crate::error::ApiError;

/// A family of routes below the account, which goes by a permission of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Product {
    /// `workers/…`
    Workers,
    /// `r2/…`
    R2,
    /// `containers/…`
    Containers,
}

/// All that is lacking.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Lacks {
    /// Permissions that the token does not have.
    pub permissions: BTreeSet<Product>,
    /// Products that are not enabled for the account: R2 and containers.
    pub products: BTreeSet<Product>,
    /// The account has no workers.dev subdomain, whatever it claims.
    pub subdomain: bool,
    /// The token is one of a user: good for everything but the account's own `tokens/verify`, and R2's S3 API.
    pub account_token: bool,
    /// When the token ends, in milliseconds since the epoch; `None`: never.
    pub token_expires_at: Option<i64>,
    /// What is said of the token's state: `active` unless said.
    pub token_status: Option<String>,
}

impl Lacks {
    /// Let a call to `path`, below `/client/v4`, pass.
    pub(crate) fn check(&self, path: &str) -> Result<(), ApiError> {
        let family = path.strip_prefix("/accounts/").and_then(|rest| rest.split('/').nth(1));
        let product = match family {
            Some("workers") => Product::Workers,
            Some("r2") => Product::R2,
            Some("containers") => Product::Containers,
            Some("tokens") if self.account_token => return Err(ApiError::not_an_account_token()),
            _ => return Ok(()),
        };
        if self.permissions.contains(&product) {
            return Err(ApiError::not_authenticated());
        }
        match product {
            Product::R2 if self.products.contains(&product) => Err(ApiError::r2_not_enabled()),
            Product::Containers if self.products.contains(&product) => Err(ApiError::containers_not_enabled()),
            _ => Ok(()),
        }
    }

    /// Whether R2's S3 API lets the token in.
    pub(crate) fn s3(&self) -> bool {
        !self.account_token && !self.permissions.contains(&Product::R2)
    }
}

impl Emulator {
    /// From now on this is lacking, and nothing else.
    pub fn lack(&self, lacks: Lacks) {
        self.with_lacks(|present| *present = lacks);
    }
}
