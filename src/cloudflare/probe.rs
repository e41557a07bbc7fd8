//! Reads that are made for what their answers say of the token and the account.

use serde_json::Value;

use super::client::Client;
use super::error::Error;
use super::operation::Operation;

impl Client {
    /// Asks what no parameter is needed for, and as little of a list as can be: one kind of call for whatever may be asked
    /// so, since each kind costs the Worker bytes.
    ///
    /// - [`Operation::TokenVerify`]: `status` (`active`, `disabled`, `expired`), `expires_on` if it ends. Refused with
    ///   [`Verdict::S3Unusable`](super::Verdict::S3Unusable) unless the token is the account's own.
    /// - [`Operation::AccountSubdomainGet`]: `subdomain`; [`Verdict::Missing`](super::Verdict::Missing) if there is none.
    /// - [`Operation::BucketList`], [`Operation::ApplicationList`]: whether they may be asked.
    pub async fn probe(&self, operation: Operation) -> Result<Value, Error> {
        let is_list = matches!(operation, Operation::BucketList | Operation::ApplicationList);
        self.call(operation, &[]).query_if("per_page", is_list.then_some("1")).fetch().await
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::cloudflare::testing::{client, no, ok};
    use crate::cloudflare::{Operation, Verdict};

    #[tokio::test]
    async fn as_little_as_can_be_is_asked() {
        for (operation, line) in [
            (Operation::TokenVerify, "GET tokens/verify"),
            (Operation::AccountSubdomainGet, "GET workers/subdomain"),
            (Operation::BucketList, "GET r2/buckets?per_page=1"),
            (Operation::ApplicationList, "GET containers/applications?per_page=1"),
        ] {
            let (client, far) = client([ok(json!({ "subdomain": "example" }))]);
            assert_eq!(client.probe(operation).await.unwrap()["subdomain"], "example");
            assert_eq!(far.only().line(), line);
        }
    }

    #[tokio::test]
    async fn an_account_without_a_subdomain_is_told_from_one_that_may_not_be_asked() {
        for (status, code, verdict) in [(404, 10007, Verdict::Missing), (403, 10000, Verdict::Unauthorized)] {
            let (client, _) = client([no(status, code, "no")]);
            assert_eq!(client.probe(Operation::AccountSubdomainGet).await.unwrap_err().verdict(), verdict);
        }
    }
}
