//! Static assets of a Worker: say what there is, upload what is asked for, hand the last token to the script's upload.
//! <https://developers.cloudflare.com/workers/static-assets/direct-upload/>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use super::client::{Client, or_default};
use super::error::Error;
use super::multipart::{File, Form};
use super::operation::Operation;
use super::secret_text::SecretText;

/// What a manifest says of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AssetEntry {
    /// Path that it is served at, with its leading `/`.
    #[serde(skip)]
    pub path: String,
    /// 32 hexadecimal digits; any hash of the content (and of its type) that stays the same.
    pub hash: String,
    /// Length in bytes.
    pub size: u64,
}

/// The answer to a manifest.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct AssetsSession {
    /// Token for the upload; with no buckets it is the one for [`Assets::jwt`](super::scripts::Assets::jwt) already.
    /// Valid for an hour.
    pub jwt: SecretText,
    /// Hashes that are still to be uploaded, grouped as they are to be sent: one call a group.
    #[serde(default, deserialize_with = "or_default")]
    pub buckets: Vec<Vec<String>>,
}

/// A file to upload.
#[derive(Clone, Debug)]
pub struct AssetFile {
    /// As in the manifest.
    pub hash: String,
    /// The content type under which it is served.
    pub content_type: String,
    /// Its bytes.
    pub body: Bytes,
}

#[derive(Default, Deserialize)]
struct Uploaded {
    #[serde(default)]
    jwt: Option<SecretText>,
}

#[derive(Serialize)]
struct Session<'a> {
    manifest: ByPath<'a>,
}

struct ByPath<'a>(&'a [AssetEntry]);

impl Serialize for ByPath<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|entry| (&entry.path, entry)))
    }
}

impl Client {
    /// `POST workers/scripts/{script}/assets-upload-session`. The script need not exist yet. Twice: another session.
    pub async fn start_assets_session(&self, script: &str, manifest: &[AssetEntry]) -> Result<AssetsSession, Error> {
        self.call(Operation::AssetsSession, &[script]).json(&Session { manifest: ByPath(manifest) }).fetch().await
    }

    /// `POST workers/assets/upload?base64=true` with one group of a session, shown `jwt` instead of the API token.
    /// Returns the token for the script's upload with the last group, `None` before. Twice: the same.
    pub async fn upload_assets(&self, jwt: &SecretText, files: &[AssetFile]) -> Result<Option<SecretText>, Error> {
        let files = files.iter().map(|file| File {
            path: file.hash.clone(),
            content_type: file.content_type.clone(),
            body: STANDARD.encode(&file.body).into(),
        });
        let call = self.call(Operation::AssetsUpload, &[]).query("base64", "true");
        let call = call.bearer(jwt.expose()).hide([jwt]);
        let uploaded: Option<Uploaded> = call.form(Form::default().files(files)).fetch().await?;
        Ok(uploaded.unwrap_or_default().jwt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::testing::{client, ok};
    use serde_json::json;

    const HASH: &str = "aa42bba514e8ddfea838ec1a715ca332";

    #[tokio::test]
    async fn a_session_is_started_as_recorded() {
        let reply = json!({ "jwt": "session.jwt", "buckets": [[HASH]] });
        let (client, far) = client([ok(reply), ok(json!({ "jwt": "complete.jwt", "buckets": null }))]);
        let manifest = [AssetEntry { path: "/app.css".to_owned(), hash: HASH.to_owned(), size: 7 }];
        let session = client.start_assets_session("s", &manifest).await.unwrap();
        assert_eq!(session.buckets, [[HASH]]);
        assert_eq!(session.jwt.expose(), "session.jwt");
        assert!(!format!("{session:?}").contains("session.jwt"));
        let session = client.start_assets_session("s", &[]).await.unwrap();
        assert_eq!(session.buckets, Vec::<Vec<String>>::new());
        let sent = far.sent();
        assert_eq!(sent[0].line(), "POST workers/scripts/s/assets-upload-session");
        assert_eq!(sent[0].json(), json!({ "manifest": { "/app.css": { "hash": HASH, "size": 7 } } }));
    }

    #[tokio::test]
    async fn files_go_up_under_their_hash_with_the_sessions_token() {
        let (client, far) =
            client([ok(json!({ "jwt": "completion.jwt" })), ok(json!(null)), ok(json!({ "jwt": null }))]);
        let body = Bytes::from_static(b"body{}\n");
        let file = AssetFile { hash: HASH.to_owned(), content_type: "text/css; charset=utf-8".to_owned(), body };
        let jwt = SecretText::new("session.jwt");
        let last = client.upload_assets(&jwt, std::slice::from_ref(&file)).await.unwrap();
        assert_eq!(last, Some(SecretText::new("completion.jwt")));
        for _ in 0..2 {
            assert_eq!(client.upload_assets(&jwt, &[]).await.unwrap(), None, "not the last group");
        }
        let sent = far.sent().remove(0);
        assert_eq!(sent.line(), "POST workers/assets/upload?base64=true");
        assert_eq!(sent.0.headers().get_all("authorization").iter().collect::<Vec<_>>(), ["Bearer session.jwt"]);
        let hash = HASH.to_owned();
        let kind = "text/css; charset=utf-8".to_owned();
        assert_eq!(sent.form().await, [(hash.clone(), Some(hash), Some(kind), Bytes::from_static(b"Ym9keXt9Cg=="))]);
    }
}
