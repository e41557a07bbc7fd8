//! Signatures by the runtime's WebCrypto.

use futures_util::future::BoxFuture;
use js_sys::{Array, JSON, Object};
use wasm_bindgen::{JsCast, JsValue};
use worker::send::SendFuture;
use worker::wasm_bindgen_futures::JsFuture;

use crate::access::keys::PublicKey;
use crate::access::verifier::Verifier;

/// RS256 in WebCrypto's words.
const ALGORITHM: &str = r#"{"name":"RSASSA-PKCS1-v1_5","hash":"SHA-256"}"#;

/// `crypto.subtle` of the runtime.
pub struct WebCrypto;

impl Verifier for WebCrypto {
    fn verify<'a>(&'a self, key: &'a PublicKey, signed: &'a [u8], signature: &'a [u8]) -> BoxFuture<'a, bool> {
        // A refusal here is a key or a signature of the wrong form.
        Box::pin(SendFuture::new(async move { verify(key, signed, signature).await.unwrap_or(false) }))
    }
}

/// The key is imported anew each time: that takes less than a tenth of a millisecond, and then no handle outlives its
/// request.
async fn verify(key: &PublicKey, signed: &[u8], signature: &[u8]) -> Result<bool, JsValue> {
    let subtle = js_sys::global().unchecked_into::<web_sys::WorkerGlobalScope>().crypto()?.subtle();
    let algorithm: Object = JSON::parse(ALGORITHM)?.unchecked_into();
    // Both are base64url, so nothing in them ends the string that they are put into.
    let jwk = format!(r#"{{"kty":"RSA","n":"{}","e":"{}"}}"#, key.n, key.e);
    let jwk: Object = JSON::parse(&jwk)?.unchecked_into();
    let usages = Array::of1(&JsValue::from_str("verify"));
    let key = JsFuture::from(subtle.import_key_with_object("jwk", &jwk, &algorithm, false, &usages)?).await?;
    let verified =
        subtle.verify_with_object_and_u8_array_and_u8_array(&algorithm, key.unchecked_ref(), signature, signed)?;
    Ok(JsFuture::from(verified).await? == JsValue::TRUE)
}
