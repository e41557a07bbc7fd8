//! Secrets of a Worker. Cloudflare never tells their values.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::client::Client;
use super::error::Error;
use super::operation::Operation;
use super::secret_text::{SecretText, exposed};

/// What Cloudflare tells of a secret.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct SecretInfo {
    /// Name in the environment.
    pub name: String,
    /// `secret_text`, `secret_key`.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
}

#[derive(Serialize)]
struct Secret<'a> {
    name: &'a str,
    #[serde(serialize_with = "exposed")]
    text: &'a SecretText,
    r#type: &'static str,
}

impl<'a> Secret<'a> {
    fn new(name: &'a str, text: &'a SecretText) -> Self {
        Self { name, text, r#type: "secret_text" }
    }
}

impl Client {
    /// `PATCH workers/scripts/{script}/secrets-bulk`: sets and deletes in one call and one version; a name in both is
    /// set; what is in neither stays. Sends nothing if there is nothing to change. Twice: the same. A script that
    /// does not exist is [`Verdict::Missing`](super::Verdict::Missing).
    pub async fn patch_secrets(
        &self,
        script: &str,
        set: &BTreeMap<String, SecretText>,
        delete: &[String],
    ) -> Result<(), Error> {
        let mut secrets: BTreeMap<&str, Option<Secret<'_>>> = delete.iter().map(|name| (name.as_str(), None)).collect();
        secrets.extend(set.iter().map(|(name, text)| (name.as_str(), Some(Secret::new(name, text)))));
        if secrets.is_empty() {
            return Ok(());
        }
        let call = self.call(Operation::SecretsPatch, &[script]).hide(set.values());
        call.json_as("application/merge-patch+json", &BTreeMap::from([("secrets", secrets)])).run().await
    }

    /// `GET workers/scripts/{script}/secrets`: names only.
    pub async fn list_secrets(&self, script: &str) -> Result<Vec<SecretInfo>, Error> {
        let secrets: Option<_> = self.call(Operation::SecretList, &[script]).fetch().await?;
        Ok(secrets.unwrap_or_default())
    }

    /// `PUT workers/scripts/{script}/secrets`: one secret, one version. Twice: the same.
    pub async fn put_secret(&self, script: &str, name: &str, value: &SecretText) -> Result<(), Error> {
        self.call(Operation::SecretPut, &[script]).hide([value]).json(&Secret::new(name, value)).run().await
    }

    /// `DELETE workers/scripts/{script}/secrets/{name}`. Twice: [`Verdict::Done`](super::Verdict::Done).
    pub async fn delete_secret(&self, script: &str, name: &str) -> Result<(), Error> {
        self.call(Operation::SecretDelete, &[script, name]).query("url_encoded", "true").run().await
    }
}
