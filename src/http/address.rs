//! Whose address a request comes from, as far as that says who asks.

use std::fmt::Write;
use std::net::IpAddr;

use http::header::HeaderName;

use super::call::Call;

/// The caller's address. Cloudflare sets it on every request and lets no caller do so
/// (developers.cloudflare.com/fundamentals/reference/http-headers).
pub const CF_CONNECTING_IP: HeaderName = HeaderName::from_static("cf-connecting-ip");

/// What stands for callers whose address is not known: all of them together.
const UNKNOWN: &str = "unknown";

impl Call {
    /// The caller's address as Cloudflare gave it, if it is one.
    pub fn client_ip(&self) -> Option<IpAddr> {
        self.header(CF_CONNECTING_IP)?.trim().parse().ok()
    }

    /// What of the address is one household's or office's: an IPv4 address, or the first 64 bits of an IPv6 one, of which
    /// everybody has as many as he likes.
    pub fn network(&self) -> String {
        match self.client_ip() {
            Some(IpAddr::V4(address)) => address.to_string(),
            Some(IpAddr::V6(address)) => match address.to_ipv4_mapped() {
                Some(address) => address.to_string(),
                None => address.segments().iter().take(4).fold(String::new(), |mut text, segment| {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "{segment:x}:");
                    text
                }),
            },
            None => UNKNOWN.to_owned(),
        }
    }

    /// The network as it may be kept: nobody can read an address from it.
    pub fn network_owner(&self) -> String {
        let signature = self.app.config.sealing_key.signing().sign("network", &self.network());
        format!("address:{}", signature.get(..16).unwrap_or(&signature))
    }
}
