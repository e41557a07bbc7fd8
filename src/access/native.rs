//! Signatures where the plane runs natively.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use futures_util::future::BoxFuture;
use rsa::sha2::Sha256;
use rsa::{BoxedUint, PublicKey as RsaKey};

use super::keys::PublicKey;
use super::verifier::Verifier;

/// Checks signatures by the crate `rsa`.
pub struct Native;

impl Verifier for Native {
    fn verify<'a>(&'a self, key: &'a PublicKey, signed: &'a [u8], signature: &'a [u8]) -> BoxFuture<'a, bool> {
        let is_good = rsa_key(key).is_some_and(|key| key.pkcs1v15_verify::<Sha256>(signed, signature).is_ok());
        Box::pin(std::future::ready(is_good))
    }
}

fn rsa_key(key: &PublicKey) -> Option<RsaKey> {
    let number = |text| Some(BoxedUint::from_be_slice_vartime(&BASE64URL.decode(text).ok()?));
    RsaKey::new(number(&key.n)?, number(&key.e)?).ok()
}
