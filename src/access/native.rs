//! Signatures where the plane runs natively.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use futures_util::future::BoxFuture;
use ring::signature::{RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};

use super::keys::PublicKey;
use super::verifier::Verifier;

/// Checks signatures by the crate `ring`.
pub struct Native;

impl Verifier for Native {
    fn verify<'a>(&'a self, key: &'a PublicKey, signed: &'a [u8], signature: &'a [u8]) -> BoxFuture<'a, bool> {
        let is_good = match (BASE64URL.decode(&key.n), BASE64URL.decode(&key.e)) {
            (Ok(n), Ok(e)) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, signed, signature).is_ok()
            }
            _ => false,
        };
        Box::pin(std::future::ready(is_good))
    }
}
