//! Whether a request that changes something comes from the plane's own pages, or from no page at all.
//!
//! Browsers say so themselves (`Sec-Fetch-Site`, W3C Fetch Metadata; `Origin`, RFC 6454) and let no page change it. A
//! program that sends neither is asked for its token or cookie like everybody, and has no browser that could be misled.

use http::header::{HeaderName, ORIGIN};

use super::call::Call;
use super::error::ApiError;

/// Where a browser's request comes from.
pub const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

impl Call {
    /// Refuses a form that no page of this site sent. Every browser says where a form comes from, so one that does not say
    /// is none.
    pub(super) fn refuse_foreign_form(&self) -> Result<(), ApiError> {
        let says = self.header(SEC_FETCH_SITE).is_some() || self.header(ORIGIN).is_some();
        if says { self.refuse_other_origin() } else { Err(ApiError::OtherOrigin) }
    }

    /// Refuses a change that another site's page asks for, by the hand of somebody who is signed in here.
    pub(super) fn refuse_other_origin(&self) -> Result<(), ApiError> {
        let is_own_site = self.header(SEC_FETCH_SITE).is_none_or(|site| matches!(site, "same-origin" | "none"));
        let is_own_origin = match self.header(ORIGIN) {
            None => true,
            Some(origin) => origin.split_once("://").is_some_and(|(_, host)| host == self.host()),
        };
        if is_own_site && is_own_origin { Ok(()) } else { Err(ApiError::OtherOrigin) }
    }
}
