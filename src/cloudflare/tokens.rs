//! The plane's own API token.

use serde_json::Value;

use super::client::Client;
use super::error::{Error, ErrorKind};
use super::operation::Operation;

impl Client {
    /// `GET tokens/verify`: the id of the token itself, 32 hexadecimal digits, for [`Self::s3`]. Only a token of the
    /// account is known here; one of a user is refused with [`Verdict::S3Unusable`](super::Verdict::S3Unusable).
    pub async fn verify_token(&self) -> Result<String, Error> {
        let operation = Operation::TokenVerify;
        let token: Value = self.call(operation, &[]).fetch().await?;
        let id = token.get("id").and_then(Value::as_str).map(str::to_owned);
        id.ok_or_else(|| {
            let message = "a token without an id".to_owned();
            Error { operation, kind: ErrorKind::Unreadable { status: 200, message } }
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::cloudflare::Verdict;
    use crate::cloudflare::testing::{client, no, ok};
    use serde_json::json;

    #[tokio::test]
    async fn the_token_tells_its_id() {
        let (client, far) = client([ok(json!({ "id": "0123", "status": "active" }))]);
        assert_eq!(client.verify_token().await.unwrap(), "0123");
        assert_eq!(far.only().line(), "GET tokens/verify");
    }

    #[tokio::test]
    async fn a_token_of_a_user_does_not_stop_the_plane() {
        for (status, code) in [(401, 1000), (403, 10000), (403, 9109), (400, 9106)] {
            let (client, _) = client([no(status, code, "Invalid API Token")]);
            assert_eq!(client.verify_token().await.unwrap_err().verdict(), Verdict::S3Unusable, "{status} {code}");
        }
    }
}
