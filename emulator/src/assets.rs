//! Static assets: a session that says which files are missing, then the files, then a token that an upload takes.
//!
//! The whole exchange runs on the session's own token instead of the account's. Which files count as known is kept per script:
//! whether Cloudflare shares them between scripts is not documented, so the emulator assumes the costlier.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::json;

use crate::account::bearer;
use crate::call::Call;
use crate::envelope::Reply;
use crate::error::ApiError;
use crate::limits;
use crate::metadata::{Assets, multipart};
use crate::world::{AssetFile, AssetSession, Blob, Script, VersionAssets, World, hex_sha256};

#[derive(Deserialize)]
struct Manifest {
    manifest: BTreeMap<String, Entry>,
}

#[derive(Deserialize)]
struct Entry {
    hash: String,
    size: u64,
}

/// `POST workers/scripts/{script}/assets-upload-session`. The script need not exist.
pub(crate) async fn session(call: Call) -> Result<Reply, ApiError> {
    let script = call.param("script").to_owned();
    limits::script_name(&script)?;
    let body: Manifest = call.json(|why| ApiError::invalid(format!("the manifest cannot be read: {why}")))?;
    if body.manifest.len() > limits::ASSET_FILES {
        return Err(ApiError::invalid("too many asset files"));
    }
    for (path, entry) in &body.manifest {
        let hash = entry.hash.len() == 32 && entry.hash.bytes().all(|b| b.is_ascii_hexdigit());
        if !path.starts_with('/') || !hash || entry.size > limits::ASSET_BYTES {
            return Err(ApiError::invalid(format!("the manifest's entry {path:?} is not valid")));
        }
    }
    let manifest: BTreeMap<String, String> =
        body.manifest.into_iter().map(|(path, entry)| (path, entry.hash)).collect();
    let mut world = call.world();
    world.sessions.retain(|_, session| session.expires_at > call.now);
    let missing = missing(&world, &script, &manifest);
    let complete = missing.is_empty();
    let token = open(&mut world, AssetSession { script, manifest, expires_at: 0, complete }, call.now);
    // One bucket: how Cloudflare splits them is its own business, and a client has to cope with any split.
    let buckets = if complete { json!([]) } else { json!([missing]) };
    Ok(Reply::ok(json!({"jwt": token, "buckets": buckets})))
}

/// `POST workers/assets/upload?base64=true`: parts named by hash. The last missing file earns the completion token, with 201.
pub(crate) async fn upload(call: Call) -> Result<Reply, ApiError> {
    let mut world = call.world();
    let session = token(&world, bearer(&call.headers).ok_or_else(ApiError::no_credentials)?, call.now)?.clone();
    for part in multipart(&call)? {
        if !session.manifest.values().any(|hash| *hash == part.name) {
            return Err(ApiError::invalid(format!("the file {:?} is not in the session's manifest", part.name)));
        }
        let bytes = if call.flag("base64") {
            let decoded = BASE64_STANDARD.decode(&part.bytes);
            Bytes::from(decoded.map_err(|_| ApiError::invalid(format!("the file {:?} is not base64", part.name)))?)
        } else {
            part.bytes.clone()
        };
        let file = AssetFile { content_type: part.content_type.clone(), content: Blob::new(bytes) };
        world.assets.entry(session.script.clone()).or_default().insert(part.name.clone(), file);
    }
    if missing(&world, &session.script, &session.manifest).is_empty() {
        let token = open(&mut world, AssetSession { complete: true, ..session }, call.now);
        Ok(Reply::created(json!({"jwt": token})))
    } else {
        Ok(Reply::ok(json!({"jwt": null})))
    }
}

/// What the new version serves, from the metadata's `assets` and `keep_assets`.
pub(crate) fn resolve(
    world: &World,
    script: &str,
    assets: Option<Assets>,
    keep: bool,
    previous: Option<&Script>,
    now: i64,
) -> Result<Option<VersionAssets>, ApiError> {
    let before = previous.and_then(Script::latest).and_then(|version| version.assets.as_ref());
    let Some(assets) = assets else { return Ok(if keep { before.cloned() } else { None }) };
    let config = assets.config.map(|config| json!(config));
    let manifest = match (assets.jwt, keep) {
        (Some(jwt), _) => {
            let session = token(world, &jwt, now)?;
            if !session.complete || session.script != script {
                return Err(ApiError::invalid("the assets token is not a completion token of this script"));
            }
            session.manifest.clone()
        }
        (None, true) => before.map(|before| before.manifest.clone()).unwrap_or_default(),
        (None, false) => return Err(ApiError::invalid("`assets` needs a `jwt` or `keep_assets`")),
    };
    let config = config.or_else(|| before.map(|before| before.config.clone())).unwrap_or_else(|| json!({}));
    Ok(Some(VersionAssets { config, manifest }))
}

fn missing(world: &World, script: &str, manifest: &BTreeMap<String, String>) -> Vec<String> {
    let known = world.assets.get(script);
    let mut hashes: Vec<String> =
        manifest.values().filter(|hash| !known.is_some_and(|files| files.contains_key(*hash))).cloned().collect();
    hashes.sort();
    hashes.dedup();
    hashes
}

/// Remember the session under a new token. The token has a JWT's form because wrangler reads `exp` out of it.
fn open(world: &mut World, session: AssetSession, now: i64) -> String {
    let expires_at = now.saturating_add(limits::ASSETS_TOKEN_MS);
    let id = world.ids.hex();
    let header = BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = json!({"exp": expires_at.div_euclid(1000), "jti": id, "complete": session.complete}).to_string();
    let signed = format!("{header}.{}", BASE64_URL_SAFE_NO_PAD.encode(claims));
    let token = format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(hex_sha256(signed.as_bytes())));
    world.sessions.insert(token.clone(), AssetSession { expires_at, ..session });
    token
}

fn token<'a>(world: &'a World, token: &str, now: i64) -> Result<&'a AssetSession, ApiError> {
    world.sessions.get(token).filter(|session| session.expires_at > now).ok_or_else(ApiError::not_authenticated)
}
