//! A secret at rest, and an answer that may hold some.

use aes_gcm::aead::{Aead, Payload};
use aes_gcm::{Aes256Gcm, KeyInit, Nonce};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;

use super::{PlainSecret, SigningKey};
use crate::entropy::{self, Entropy};
use crate::tenant::{SecretName, TenantId};

const NONCE_BYTES: usize = 12;

/// Where a sealed value belongs. It opens nowhere else: another tenant's row, another name or an older version that is
/// put in its place is refused. An older copy of the *same* row in a restored database does open.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// Whose it is.
    pub tenant: &'a TenantId,
    /// Its name.
    pub name: &'a SecretName,
    /// Its version.
    pub version: i64,
}

impl Place<'_> {
    fn as_associated_data(&self) -> String {
        format!("paramita/secret/{}/{}/{}", self.tenant, self.name, self.version)
    }
}

/// Where a kept answer belongs: to one caller's one key. It opens nowhere else.
#[derive(Clone, Copy, Debug)]
pub struct AnswerPlace<'a> {
    /// Who asked.
    pub scope: &'a str,
    /// SHA-256 of the key, in hexadecimal digits.
    pub key_hash: &'a str,
}

impl AnswerPlace<'_> {
    fn as_associated_data(&self) -> String {
        format!("paramita/answer/{}/{}", self.scope, self.key_hash)
    }
}

/// A value encrypted with AES-256-GCM: base64 of nonce and ciphertext.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedSecret(pub String);

/// An answer encrypted in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedAnswer(pub String);

/// The key that seals. It comes from the Worker's own secret `SEALING_KEY`.
#[derive(Clone)]
pub struct SealingKey {
    cipher: Aes256Gcm,
    signing: SigningKey,
}

/// What can go wrong with a seal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The key is not base64 of 32 bytes.
    #[error("the sealing key must be base64 of 32 bytes; make one with: openssl rand -base64 32")]
    BadKey,
    /// The value does not open: other key, other place, or changed.
    #[error("the sealed value does not open here: it was sealed with another key or for another place")]
    DoesNotOpen,
}

impl SealingKey {
    /// Reads base64 of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, SealError> {
        let bytes = BASE64.decode(text.trim()).map_err(|_| SealError::BadKey)?;
        let cipher = Aes256Gcm::new_from_slice(&bytes).map_err(|_| SealError::BadKey)?;
        let signing = SigningKey::derive(&bytes).ok_or(SealError::BadKey)?;
        Ok(Self { cipher, signing })
    }

    /// The key that signs, which belongs to this one.
    pub fn signing(&self) -> &SigningKey {
        &self.signing
    }

    /// Seals `value` for `place`, with a fresh nonce each time.
    pub fn seal(
        &self,
        place: Place<'_>,
        value: &PlainSecret,
        entropy: &dyn Entropy,
    ) -> Result<SealedSecret, SealError> {
        self.encrypt(&place.as_associated_data(), value, entropy).map(SealedSecret)
    }

    /// Opens what was sealed for `place`.
    pub fn open(&self, place: Place<'_>, sealed: &SealedSecret) -> Result<PlainSecret, SealError> {
        self.decrypt(&place.as_associated_data(), &sealed.0)
    }

    /// Seals an answer for `place`, with a fresh nonce each time.
    pub fn seal_answer(
        &self,
        place: AnswerPlace<'_>,
        answer: &PlainSecret,
        entropy: &dyn Entropy,
    ) -> Result<SealedAnswer, SealError> {
        self.encrypt(&place.as_associated_data(), answer, entropy).map(SealedAnswer)
    }

    /// Opens an answer that was sealed for `place`.
    pub fn open_answer(&self, place: AnswerPlace<'_>, sealed: &SealedAnswer) -> Result<PlainSecret, SealError> {
        self.decrypt(&place.as_associated_data(), &sealed.0)
    }

    fn encrypt(&self, place: &str, value: &PlainSecret, entropy: &dyn Entropy) -> Result<String, SealError> {
        let nonce = entropy::bytes::<NONCE_BYTES>(entropy);
        let payload = Payload { msg: value.expose().as_bytes(), aad: place.as_bytes() };
        // Fails only for values of 64 GiB and more; secrets have 5 KiB at most.
        let ciphertext = self.cipher.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::DoesNotOpen)?;
        Ok(BASE64.encode([nonce.as_slice(), &ciphertext].concat()))
    }

    fn decrypt(&self, place: &str, sealed: &str) -> Result<PlainSecret, SealError> {
        let bytes = BASE64.decode(sealed).map_err(|_| SealError::DoesNotOpen)?;
        let (nonce, ciphertext) = bytes.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::DoesNotOpen)?;
        let payload = Payload { msg: ciphertext, aad: place.as_bytes() };
        let plain = self.cipher.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::DoesNotOpen)?;
        String::from_utf8(plain).map(PlainSecret::new).map_err(|_| SealError::DoesNotOpen)
    }
}

impl std::fmt::Debug for SealingKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("REDACTED")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SeededEntropy;

    fn key(byte: u8) -> SealingKey {
        SealingKey::parse(&BASE64.encode([byte; 32])).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_only_in_its_own_place_with_its_own_key() {
        let entropy = SeededEntropy::new(1);
        let (alice, bob) = (TenantId("ta".into()), TenantId("tb".into()));
        let (name, other) = (SecretName::parse("A").unwrap(), SecretName::parse("B").unwrap());
        let place = Place { tenant: &alice, name: &name, version: 3 };
        let sealed = key(1).seal(place, &PlainSecret::new("hunter2".into()), &entropy).unwrap();

        assert_eq!(key(1).open(place, &sealed).unwrap().expose(), "hunter2");
        assert!(!sealed.0.contains("hunter2"));
        for elsewhere in
            [Place { tenant: &bob, ..place }, Place { name: &other, ..place }, Place { version: 2, ..place }]
        {
            assert_eq!(key(1).open(elsewhere, &sealed), Err(SealError::DoesNotOpen));
        }
        assert_eq!(key(2).open(place, &sealed), Err(SealError::DoesNotOpen));
    }

    #[test]
    fn a_kept_answer_opens_only_for_its_own_caller_and_key_and_never_as_a_secret() {
        let entropy = SeededEntropy::new(1);
        let place = AnswerPlace { scope: "tenant/ta", key_hash: "aa" };
        let sealed = key(1).seal_answer(place, &PlainSecret::new("a token".into()), &entropy).unwrap();

        assert_eq!(key(1).open_answer(place, &sealed).unwrap().expose(), "a token");
        for elsewhere in [AnswerPlace { scope: "tenant/tb", ..place }, AnswerPlace { key_hash: "bb", ..place }] {
            assert_eq!(key(1).open_answer(elsewhere, &sealed), Err(SealError::DoesNotOpen));
        }
        assert_eq!(key(2).open_answer(place, &sealed), Err(SealError::DoesNotOpen));
        let (tenant, name) = (TenantId("ta".into()), SecretName::parse("A").unwrap());
        let of_a_secret = Place { tenant: &tenant, name: &name, version: 1 };
        assert_eq!(key(1).open(of_a_secret, &SealedSecret(sealed.0)), Err(SealError::DoesNotOpen));
    }

    #[test]
    fn the_same_value_sealed_twice_looks_different() {
        let entropy = SeededEntropy::new(1);
        let (tenant, name) = (TenantId("ta".into()), SecretName::parse("A").unwrap());
        let place = Place { tenant: &tenant, name: &name, version: 1 };
        let value = PlainSecret::new("hunter2".into());
        assert_ne!(key(1).seal(place, &value, &entropy), key(1).seal(place, &value, &entropy));
    }

    #[test]
    fn changed_cut_or_foreign_text_is_refused() {
        let (tenant, name) = (TenantId("ta".into()), SecretName::parse("A").unwrap());
        let place = Place { tenant: &tenant, name: &name, version: 1 };
        for text in ["", "AAAA", "not base64!", &BASE64.encode([0; 40])] {
            assert_eq!(key(1).open(place, &SealedSecret(text.into())), Err(SealError::DoesNotOpen));
        }
    }

    #[test]
    fn a_key_of_another_length_is_refused() {
        for bytes in [0, 16, 31, 33] {
            assert!(matches!(SealingKey::parse(&BASE64.encode(vec![7; bytes])), Err(SealError::BadKey)));
        }
    }
}
