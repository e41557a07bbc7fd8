//! The keys that tokens are signed with: real ones, made when they are first asked for.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::str::FromStr as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use rsa::PrivateKey;
use rsa::pkcs1v15;
use rsa::rand_core::{TryCryptoRng, TryRng};
use rsa::signature::{Keypair as _, SignatureEncoding as _, Signer as _};
use rsa::traits::PublicKeyParts as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use x509_cert::builder::profile::cabf::Root;
use x509_cert::builder::{Builder as _, CertificateBuilder};
use x509_cert::der::EncodePem as _;
use x509_cert::der::pem::LineEnding;
use x509_cert::name::Name;
use x509_cert::serial_number::SerialNumber;
use x509_cert::spki::SubjectPublicKeyInfo;
use x509_cert::time::{Time, Validity};

use crate::world::hex_sha256;

const BITS: usize = 2_048;

type Failure = Box<dyn std::error::Error>;

/// A private key with what the world may know of it.
pub(crate) struct SigningKey {
    /// 64 hex digits, as Cloudflare's.
    pub kid: String,
    /// Self-signed, in PEM.
    pub certificate: String,
    modulus: Vec<u8>,
    exponent: Vec<u8>,
    key: pkcs1v15::SigningKey<Sha256>,
}

impl SigningKey {
    /// The key of this number. The same seed and number give the same key: a token outlives a restart of the emulator. Nothing
    /// that these keys protect is worth protecting.
    ///
    /// Made once in a process, since that takes up to a second in a build without optimisation.
    #[expect(clippy::expect_used, reason = "the numbers are constants; every test that signs anything makes keys")]
    pub(crate) fn of(seed: u64, number: u64) -> Arc<Self> {
        static KEYS: Mutex<BTreeMap<(u64, u64), Arc<SigningKey>>> = Mutex::new(BTreeMap::new());
        let mut keys = KEYS.lock().unwrap_or_else(PoisonError::into_inner);
        let make = || Arc::new(Self::make(seed, number).expect("a key of 2,048 bits can be made"));
        Arc::clone(keys.entry((seed, number)).or_insert_with(make))
    }

    fn make(seed: u64, number: u64) -> Result<Self, Failure> {
        let key = PrivateKey::new(&mut Seeded { seed, number, blocks: 0 }, BITS)?;
        let bytes = |number: &[u8]| number.iter().copied().skip_while(|byte| *byte == 0).collect::<Vec<u8>>();
        let (modulus, exponent) = (bytes(&key.n().to_be_bytes()), bytes(&key.e().to_be_bytes()));
        let key = pkcs1v15::SigningKey::new(key);
        let certificate = certificate(&key, number)?;
        Ok(Self { kid: hex_sha256(&modulus), certificate, modulus, exponent, key })
    }

    /// As a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        let (n, e) = (base64(&self.modulus), base64(&self.exponent));
        json!({"kid": self.kid, "kty": "RSA", "alg": "RS256", "use": "sig", "e": e, "n": n})
    }

    /// A token of these two parts, signed.
    pub(crate) fn token(&self, header: &str, payload: &str) -> String {
        let signed = format!("{}.{}", base64(header.as_bytes()), base64(payload.as_bytes()));
        let signature = self.key.sign(signed.as_bytes()).to_vec();
        format!("{signed}.{}", base64(&signature))
    }
}

fn base64(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn certificate(key: &pkcs1v15::SigningKey<Sha256>, number: u64) -> Result<String, Failure> {
    let profile = Root::new(false, Name::from_str("CN=cloudflareaccess.com,O=An emulator,C=US")?)?;
    // The first second and the last that X.509's short form of a time has.
    let time = |seconds| {
        Ok::<_, Failure>(Time::UtcTime(x509_cert::der::asn1::UtcTime::from_unix_duration(Duration::from_secs(
            seconds,
        ))?))
    };
    let validity = Validity::new(time(0)?, time(2_524_607_999)?);
    let info = SubjectPublicKeyInfo::from_key(&key.verifying_key())?;
    let builder = CertificateBuilder::new(profile, SerialNumber::from(number + 1), validity, info)?;
    Ok(builder.build::<_, pkcs1v15::Signature>(key)?.to_pem(LineEnding::LF)?)
}

/// Repeatable bytes: SHA-256 over seed, number and a counter.
struct Seeded {
    seed: u64,
    number: u64,
    blocks: u64,
}

impl TryRng for Seeded {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        let mut bytes = [0; 4];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u32::from_le_bytes(bytes))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        let mut bytes = [0; 8];
        self.try_fill_bytes(&mut bytes)?;
        Ok(u64::from_le_bytes(bytes))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for chunk in bytes.chunks_mut(32) {
            self.blocks += 1;
            let block = Sha256::digest(format!("access key {}/{}/{}", self.seed, self.number, self.blocks));
            for (byte, fresh) in chunk.iter_mut().zip(block) {
                *byte = fresh;
            }
        }
        Ok(())
    }
}

impl TryCryptoRng for Seeded {}
