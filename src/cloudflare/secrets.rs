//! Secrets of a Worker. Cloudflare never tells their values.

use serde::{Serialize, Serializer};

use super::client::{Client, each, text};
use super::error::Error;
use super::operation::Operation;
use super::secret_text::{SecretText, exposed};

/// A secret as it travels: serialising it writes the value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Secret {
    /// Name in the environment.
    pub name: String,
    /// Its value.
    #[serde(serialize_with = "exposed")]
    pub text: SecretText,
    r#type: &'static str,
}

impl Secret {
    /// The secret `name` with the value `text`.
    pub fn new(name: &str, text: SecretText) -> Self {
        Self { name: name.to_owned(), text, r#type: "secret_text" }
    }
}

#[derive(Serialize)]
struct Patch<'a> {
    secrets: Changes<'a>,
}

/// By name the secret, or null where it is to go.
struct Changes<'a> {
    set: &'a [Secret],
    delete: &'a [String],
}

impl Serialize for Changes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let is_set = |name: &&String| self.set.iter().any(|secret| secret.name == **name);
        let gone = self.delete.iter().filter(|name| !is_set(name)).map(|name| (name, None));
        serializer.collect_map(gone.chain(self.set.iter().map(|secret| (&secret.name, Some(secret)))))
    }
}

impl Client {
    /// `PATCH workers/scripts/{script}/secrets-bulk`: sets and deletes in one call and one version; a name in both is
    /// set; what is in neither stays. Sends nothing if there is nothing to change. Twice: the same. A script that
    /// does not exist is [`Verdict::Missing`](super::Verdict::Missing).
    pub async fn patch_secrets(&self, script: &str, set: &[Secret], delete: &[String]) -> Result<(), Error> {
        if set.is_empty() && delete.is_empty() {
            return Ok(());
        }
        let call = self.call(Operation::SecretsPatch, &[script]).hide(set.iter().map(|secret| &secret.text));
        call.json_as("application/merge-patch+json", &Patch { secrets: Changes { set, delete } }).run().await
    }

    /// `GET workers/scripts/{script}/secrets`: their names.
    pub async fn list_secrets(&self, script: &str) -> Result<Vec<String>, Error> {
        self.call(Operation::SecretList, &[script]).pick(|list| each(list, |secret| text(secret, "name"))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::testing::{client, ok};
    use serde_json::json;

    #[tokio::test]
    async fn several_secrets_are_set_and_deleted_in_one_call_as_recorded() {
        let (client, far) = client([ok(json!({}))]);
        let set = [Secret::new("A", SecretText::new("v")), Secret::new("BOTH", SecretText::new("10m"))];
        client.patch_secrets("s", &set, &["OLD_NAME".to_owned(), "BOTH".to_owned()]).await.unwrap();
        let sent = far.only();
        assert_eq!(sent.line(), "PATCH workers/scripts/s/secrets-bulk");
        assert_eq!(sent.header("content-type"), Some("application/merge-patch+json"));
        let expected = json!({ "secrets": {
            "OLD_NAME": null,
            "A": { "name": "A", "text": "v", "type": "secret_text" },
            "BOTH": { "name": "BOTH", "text": "10m", "type": "secret_text" },
        } });
        assert_eq!(sent.json(), expected);
    }

    #[tokio::test]
    async fn nothing_to_change_makes_no_version() {
        let (client, far) = client([]);
        client.patch_secrets("s", &[], &[]).await.unwrap();
        assert!(far.sent().is_empty());
    }

    #[tokio::test]
    async fn names_of_secrets_are_listed() {
        let (client, far) = client([ok(json!([{ "name": "A", "type": "secret_text" }])), ok(json!(null))]);
        assert_eq!(client.list_secrets("s").await.unwrap(), ["A"]);
        assert_eq!(client.list_secrets("s").await.unwrap(), Vec::<String>::new());
        assert_eq!(far.sent()[0].line(), "GET workers/scripts/s/secrets");
    }
}
