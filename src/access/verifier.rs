//! Signatures, as a port: the runtime's WebCrypto in the Worker, a library where the plane runs natively.

use futures_util::future::BoxFuture;

use super::keys::PublicKey;

/// Checks signatures of RS256: RSASSA-PKCS1-v1_5 with SHA-256.
pub trait Verifier: Send + Sync {
    /// Whether `signature` is `key`'s over `signed`. A key that cannot be used has signed nothing.
    fn verify<'a>(&'a self, key: &'a PublicKey, signed: &'a [u8], signature: &'a [u8]) -> BoxFuture<'a, bool>;
}
