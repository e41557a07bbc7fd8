//! Texts that are shown once and given back: a prefix, random bits, and a checksum of both.
//!
//! The prefix tells secret scanners what they have found, so it never changes. The checksum tells a slip in copying from a
//! wrong text without a look into the database.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use crc::{CRC_32_ISO_HDLC, Crc, NoTable};

const CHECKSUM_DIGITS: usize = 8;

/// The CRC-32 of zip and PNG. Without a table: one costs up to 16 KiB of Worker, for some 40 bytes at a time.
const CHECKSUM: Crc<u32, NoTable> = Crc::<u32, NoTable>::new(&CRC_32_ISO_HDLC);

/// `prefix`, `random` in base64url, and a CRC-32 of all that in hexadecimal.
pub(super) fn write(prefix: &str, random: &[u8]) -> String {
    let body = format!("{prefix}{}", BASE64.encode(random));
    let checksum = checksum(&body);
    body + &checksum
}

/// Whether `text` may be what [`write`] made of `prefix` and so many random bytes. False for any that differs from one
/// in a single character.
pub(super) fn is_whole(prefix: &str, random_bytes: usize, text: &str) -> bool {
    let parts = text.len().checked_sub(CHECKSUM_DIGITS).and_then(|at| text.split_at_checked(at));
    parts.is_some_and(|(body, given)| {
        let random = body.strip_prefix(prefix).and_then(|random| BASE64.decode(random).ok());
        random.is_some_and(|random| random.len() == random_bytes) && checksum(body) == given
    })
}

fn checksum(body: &str) -> String {
    format!("{:08x}", CHECKSUM.checksum(body.as_bytes()))
}
