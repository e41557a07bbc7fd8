//! AWS Signature Version 4, as S3 wants it in the `Authorization` header. Pure: no clock, no I/O.
//! <https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html>

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::secret_text::SecretText;
use crate::clock::Timestamp;
use crate::hex::hex;

/// With what requests are signed. Prints without the secret.
#[derive(Clone, Debug)]
pub(super) struct Credentials {
    /// Says whose signature it is; no secret.
    pub(super) access_key_id: String,
    /// Never travels.
    pub(super) secret_access_key: SecretText,
}

/// What is signed of a request.
pub(super) struct Signable<'a> {
    /// The HTTP method.
    pub(super) method: &'a str,
    /// The path as it is sent, percent-encoded.
    pub(super) path: &'a str,
    /// The query as it is sent: percent-encoded, ordered by name, a `=` in each parameter.
    pub(super) query: &'a str,
    /// Names in lower case with their values, ordered by name: `host` and whatever starts with `x-amz-` at the least.
    pub(super) headers: &'a [(&'a str, &'a str)],
    /// The body's SHA-256 in hexadecimal digits, which is also the header `x-amz-content-sha256`.
    pub(super) payload_sha256: &'a str,
}

impl Credentials {
    /// The `Authorization` header for a request at `time`, which is the header `x-amz-date` (see [`amz_date`]).
    pub(super) fn authorization(&self, region: &str, time: &str, request: &Signable<'_>) -> String {
        let Signable { method, path, query, headers, payload_sha256 } = request;
        let (mut canonical_headers, mut names) = (String::new(), String::new());
        for (name, value) in *headers {
            canonical_headers.extend([*name, ":", *value, "\n"]);
            names.extend([if names.is_empty() { "" } else { ";" }, *name]);
        }
        let canonical = [*method, *path, *query, &canonical_headers, &names, *payload_sha256].join("\n");
        let date = time.get(..8).unwrap_or_default();
        let scope = [date, region, "s3", "aws4_request"].join("/");
        let to_sign = ["AWS4-HMAC-SHA256", time, &scope, &hex(&Sha256::digest(canonical.as_bytes()))].join("\n");
        let secret = ["AWS4", self.secret_access_key.expose()].concat();
        let mut key = hmac(secret.as_bytes(), date);
        for part in [region, "s3", "aws4_request", &to_sign] {
            key = hmac(&key, part);
        }
        let (id, signature) = (&self.access_key_id, hex(&key));
        format!("AWS4-HMAC-SHA256 Credential={id}/{scope},SignedHeaders={names},Signature={signature}")
    }
}

/// A time as the header `x-amz-date` has it: `20130524T000000Z`.
pub(super) fn amz_date(time: Timestamp) -> String {
    // From `2013-05-24T00:00:00.000Z`.
    let digits = time.to_string().chars().filter(|c| !matches!(c, '-' | ':')).take(15).collect::<String>();
    digits + "Z"
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    // HMAC takes keys of any length; were it ever not so, the far side would refuse the signature.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return Vec::new() };
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    /// The credentials, time and region of all of Amazon's examples.
    fn signature(request: &Signable<'_>) -> String {
        let credentials = Credentials {
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: SecretText::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
        };
        let header = credentials.authorization("us-east-1", "20130524T000000Z", request);
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
        let start = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={},Signature=",
            names.join(";")
        );
        header.strip_prefix(&start).unwrap_or_else(|| panic!("{header}")).to_owned()
    }

    #[test]
    fn amazons_own_examples_come_out_as_published() {
        let host = ("host", "examplebucket.s3.amazonaws.com");
        let (hash, time) = (("x-amz-content-sha256", EMPTY), ("x-amz-date", "20130524T000000Z"));
        let welcome = "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072";
        for (method, path, query, headers, payload_sha256, expected) in [
            (
                "GET",
                "/test.txt",
                "",
                vec![host, ("range", "bytes=0-9"), hash, time],
                EMPTY,
                "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
            ),
            (
                "PUT",
                "/test%24file.text",
                "",
                vec![
                    ("date", "Fri, 24 May 2013 00:00:00 GMT"),
                    host,
                    ("x-amz-content-sha256", welcome),
                    time,
                    ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
                ],
                welcome,
                "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
            ),
            (
                "GET",
                "/",
                "lifecycle=",
                vec![host, hash, time],
                EMPTY,
                "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
            ),
            (
                "GET",
                "/",
                "max-keys=2&prefix=J",
                vec![host, hash, time],
                EMPTY,
                "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
            ),
        ] {
            let request = Signable { method, path, query, headers: &headers, payload_sha256 };
            assert_eq!(signature(&request), expected, "{method} {path}?{query}");
        }
    }

    #[test]
    fn a_time_is_written_as_signatures_want_it() {
        assert_eq!(amz_date(Timestamp(1_369_353_600_000)), "20130524T000000Z");
        assert_eq!(amz_date(Timestamp(1_793_534_459_999)), "20261101T120059Z");
    }

    #[test]
    fn the_secret_is_never_printed() {
        let credentials =
            Credentials { access_key_id: "id".to_owned(), secret_access_key: SecretText::new("planted-secret") };
        assert!(!format!("{credentials:?}").contains("planted"));
        let request = Signable { method: "GET", path: "/", query: "", headers: &[], payload_sha256: EMPTY };
        assert!(!credentials.authorization("auto", "20130524T000000Z", &request).contains("planted"));
    }
}
