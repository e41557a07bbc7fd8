//! S3's XML: written here by hand, read by a parser.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::envelope::Reply;
use crate::error::ApiError;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Elements one after another.
#[derive(Debug, Default)]
pub(crate) struct Xml(String);

impl Xml {
    /// An element with text in it.
    pub(crate) fn text(mut self, name: &str, text: &str) -> Self {
        // Writing to a `String` cannot fail.
        let _ = write!(self.0, "<{name}>{}</{name}>", escape(text));
        self
    }

    /// The same, if there is a text.
    pub(crate) fn text_if(self, name: &str, text: Option<&str>) -> Self {
        match text {
            Some(text) => self.text(name, text),
            None => self,
        }
    }

    /// An element with elements in it.
    pub(crate) fn element(mut self, name: &str, inner: &Xml) -> Self {
        let _ = write!(self.0, "<{name}>{}</{name}>", inner.0);
        self
    }

    /// The whole answer, with this root.
    pub(crate) fn reply(self, root: &str) -> Reply {
        let body = format!("{HEAD}<{root} xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">{}</{root}>", self.0);
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
        Reply::Raw { status: StatusCode::OK, headers, body: Bytes::from(body) }
    }
}

/// What XML gives a meaning to, and control characters, which S3 writes as references even where XML 1.0 has none.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            c if c.is_control() => {
                let _ = write!(escaped, "&#x{:x};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// A key in an answer: with `encoding-type=url` as S3 writes it then, a space as `+` and `/` as it is.
pub(crate) fn key(key: &str, encode: bool) -> String {
    if !encode {
        return key.to_owned();
    }
    form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>().replace("%2F", "/")
}

/// The refusal as S3 has it: R2's name for the code, without a namespace (R2 release notes, 2022-07-19).
pub(crate) fn refusal(error: &ApiError) -> Response<Bytes> {
    let inner = Xml::default().text("Code", name(error.code)).text("Message", &error.message);
    let mut response = Response::new(Bytes::from(format!("{HEAD}<Error>{}</Error>", inner.0)));
    *response.status_mut() = error.status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/xml"));
    response
}

/// S3's name of R2's code (R2 docs, error codes; 10029 as miniflare has it; 10000 and 10040 are stand-ins).
fn name(code: u32) -> &'static str {
    match code {
        10000 => "NotImplemented",
        10002 => "Unauthorized",
        10003 => "AccessDenied",
        10006 => "NoSuchBucket",
        10007 => "NoSuchKey",
        10018 => "ExpiredRequest",
        10024 => "NoSuchUpload",
        10029 => "InvalidArgument",
        10035 => "SignatureDoesNotMatch",
        10037 => "BadDigest",
        10040 => "MalformedXML",
        10042 => "NotEntitled",
        10043 => "ServiceUnavailable",
        10058 => "TooManyRequests",
        10069 => "ObjectLockedByBucketPolicy",
        _ => "InternalError",
    }
}
