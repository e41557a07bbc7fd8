//! R2's S3 API: emptying a bucket, and the multipart uploads that nobody finished, for which REST has no route.
//! <https://developers.cloudflare.com/r2/api/s3/api/>
//!
//! An address, a way to show who calls and a form of answers of its own; in everything else as [`Client`]: one request a
//! method, nothing repeated, the same [`Error`]. Failures that say that the S3 API is of no use to this token, or at all,
//! are [`Verdict::S3Unusable`](super::Verdict::S3Unusable), and the REST routes remain.

use std::fmt;
use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::header::{AUTHORIZATION, HOST};
use http::{HeaderName, HeaderValue, Request};
use percent_encoding::percent_decode_str;
use sha2::{Digest, Sha256};

use super::client::{Client, Page, note};
use super::error::{Error, ErrorKind, Refusal};
use super::operation::{self, Operation};
use super::r2::{Object, PAGE_SIZE};
use super::secret_text::SecretText;
use super::sigv4::{Credentials, Signable, amz_date};
use super::transport::Transport;
use super::xml;
use crate::clock::Timestamp;
use crate::hex::hex;
use crate::log::Logger;

/// R2 has one region.
const REGION: &str = "auto";

const DATE: HeaderName = HeaderName::from_static("x-amz-date");
const PAYLOAD: HeaderName = HeaderName::from_static("x-amz-content-sha256");
/// S3 demands a checksum of this or another kind with `DeleteObjects`; R2's pages are silent. This one costs nothing.
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");

/// The S3 API for one account. Cheap to clone; prints without its secret.
#[derive(Clone)]
pub struct S3 {
    transport: Arc<dyn Transport>,
    /// Up to the bucket: `https://<account id>.r2.cloudflarestorage.com`.
    base_url: Arc<str>,
    credentials: Arc<Credentials>,
    log: Logger,
}

impl fmt::Debug for S3 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3")
            .field("base_url", &self.base_url)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// A multipart upload that was begun and neither finished nor aborted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MultipartUpload {
    /// The object's key-to-be. Several uploads may have the same.
    pub key: String,
    /// Tells it from others of the same key.
    pub id: String,
}

/// One page of unfinished uploads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UploadPage {
    /// Ordered by key.
    pub items: Vec<MultipartUpload>,
    /// What to hand in to get the next page. `None`: this was the last one.
    pub next: Option<MultipartUpload>,
}

impl Client {
    /// The S3 API at `base_url`, for this client's token, whose id is that of [`Self::verify_token`]: it is the access key
    /// id, and the SHA-256 of the token is the secret access key. <https://developers.cloudflare.com/r2/api/tokens/>
    pub fn s3(&self, base_url: &str, token_id: &str) -> S3 {
        let secret = hex(&Sha256::digest(self.token().expose().as_bytes()));
        let credentials =
            Credentials { access_key_id: token_id.to_owned(), secret_access_key: SecretText::new(secret) };
        S3 {
            transport: self.transport(),
            base_url: base_url.trim_end_matches('/').into(),
            credentials: Arc::new(credentials),
            log: self.log().clone(),
        }
    }
}

impl S3 {
    /// `ListObjectsV2`: at most [`PAGE_SIZE`] objects a page. `now` goes into the signature; R2 takes one that is at
    /// most 15 minutes off.
    pub async fn list_objects(
        &self,
        bucket: &str,
        cursor: Option<&str>,
        now: Timestamp,
    ) -> Result<Page<Object>, Error> {
        let operation = Operation::S3ObjectList;
        let query = Query::default()
            .add_if("continuation-token", cursor)
            .add("encoding-type", "url")
            .add("list-type", "2")
            .add("max-keys", "1000");
        let xml = self.send(operation, &[bucket], query, Bytes::new(), now).await?;
        let answer = Listing::read(operation, &xml, "ListBucketResult")?;
        let items = xml::elements(&xml, "Contents").filter_map(|object| answer.key(object, "Key"));
        Ok(Page {
            items: items.map(|key| Object { key }).collect(),
            cursor: answer.next(|| xml::text(&xml, "NextContinuationToken")),
        })
    }

    /// `DeleteObjects` of at most [`PAGE_SIZE`] keys. Returns those that are still there: refused by R2 one by one, or
    /// not sent because XML cannot carry them. Sends nothing for no keys. Twice: the same.
    pub async fn delete_objects(&self, bucket: &str, keys: &[String], now: Timestamp) -> Result<Vec<String>, Error> {
        let operation = Operation::S3ObjectsDelete;
        let mut left = Vec::new();
        let mut body = String::from("<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
        for key in keys {
            let before = body.len();
            body.push_str("<Object><Key>");
            if xml::escape(&mut body, key) {
                body.push_str("</Key></Object>");
            } else {
                body.truncate(before);
                left.push(key.clone());
            }
        }
        body.push_str("</Delete>");
        if keys.len() > PAGE_SIZE {
            let fault = format!("more than {PAGE_SIZE} keys in one call");
            return Err(Error { operation, kind: ErrorKind::Unsendable(fault) });
        }
        if left.len() < keys.len() {
            let query = Query::default().add("delete", "");
            let xml = self.send(operation, &[bucket], query, body.into(), now).await?;
            expect_root(operation, &xml, "DeleteResult")?;
            left.extend(xml::elements(&xml, "Error").filter_map(|error| xml::text(error, "Key")));
        }
        Ok(left)
    }

    /// `ListMultipartUploads`: those that are unfinished, at most [`PAGE_SIZE`] a page.
    pub async fn list_multipart_uploads(
        &self,
        bucket: &str,
        after: Option<&MultipartUpload>,
        now: Timestamp,
    ) -> Result<UploadPage, Error> {
        let operation = Operation::S3UploadList;
        let query = Query::default()
            .add("encoding-type", "url")
            .add_if("key-marker", after.map(|upload| upload.key.as_str()))
            .add("max-uploads", "1000")
            .add_if("upload-id-marker", after.map(|upload| upload.id.as_str()))
            .add("uploads", "");
        let xml = self.send(operation, &[bucket], query, Bytes::new(), now).await?;
        let answer = Listing::read(operation, &xml, "ListMultipartUploadsResult")?;
        let upload = |xml, key, id| Some(MultipartUpload { key: answer.key(xml, key)?, id: xml::text(xml, id)? });
        Ok(UploadPage {
            items: xml::elements(&xml, "Upload").filter_map(|inner| upload(inner, "Key", "UploadId")).collect(),
            next: answer.next(|| upload(&xml, "NextKeyMarker", "NextUploadIdMarker")),
        })
    }

    /// `AbortMultipartUpload`. Twice: [`Verdict::Done`](super::Verdict::Done). A key with a segment `.` or `..` cannot be
    /// addressed and is not sent: such an upload ends by itself, by default seven days after its beginning.
    pub async fn abort_multipart_upload(
        &self,
        bucket: &str,
        upload: &MultipartUpload,
        now: Timestamp,
    ) -> Result<(), Error> {
        let query = Query::default().add("uploadId", &upload.id);
        self.send(Operation::S3UploadAbort, &[bucket, &upload.key], query, Bytes::new(), now).await.map(drop)
    }

    /// Signs and sends, once; the body of a success. Leaves a line in the log.
    async fn send(
        &self,
        operation: Operation,
        parameters: &[&str],
        query: Query,
        body: Bytes,
        now: Timestamp,
    ) -> Result<String, Error> {
        let stopwatch = self.log.start();
        let result = self.try_send(operation, parameters, query, body, now).await;
        note(&self.log, operation, stopwatch.ms(), result.as_ref().map(|_| 200));
        result
    }

    async fn try_send(
        &self,
        operation: Operation,
        parameters: &[&str],
        query: Query,
        body: Bytes,
        now: Timestamp,
    ) -> Result<String, Error> {
        let fail = |kind| Error { operation, kind };
        let request = self.request(operation, parameters, &query.0, body, now);
        let request = request.map_err(|fault| fail(ErrorKind::Unsendable(fault.to_owned())))?;
        let response = self.transport.send(request).await.map_err(|lost| fail(ErrorKind::NoReply(lost)))?;
        let text = String::from_utf8_lossy(response.body());
        if response.status().is_success() {
            return Ok(text.into_owned());
        }
        Err(fail(ErrorKind::Refused(self.refusal(&response, &text))))
    }

    /// The request, signed. What is wrong with the arguments otherwise.
    fn request(
        &self,
        operation: Operation,
        parameters: &[&str],
        query: &str,
        body: Bytes,
        now: Timestamp,
    ) -> Result<Request<Bytes>, &'static str> {
        const NOT_A_HEADER: &str = "a header has characters that no header can carry";
        let below = operation::fill(operation.route(), parameters)?;
        let uri = [&self.base_url, "/", &below, "?", query].concat();
        let method = operation.method();
        let mut request = Request::new(body);
        *request.uri_mut() = uri.parse().map_err(|_| "the address of S3 makes no URL")?;
        let host = request.uri().authority().map(|authority| authority.as_str().to_owned()).unwrap_or_default();

        let digest = Sha256::digest(request.body());
        let (payload_sha256, time, checksum) = (hex(&digest), amz_date(now), BASE64_STANDARD.encode(digest));
        let (host, checksum) = ((HOST, host.as_str()), (CHECKSUM, checksum.as_str()));
        let (payload, date) = ((PAYLOAD, payload_sha256.as_str()), (DATE, time.as_str()));
        let signed: &[(HeaderName, &str)] =
            if request.body().is_empty() { &[host, payload, date] } else { &[host, checksum, payload, date] };
        let names_and_values: Vec<(&str, &str)> = signed.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        let signable = Signable {
            method: method.as_str(),
            path: request.uri().path(),
            query,
            headers: &names_and_values,
            payload_sha256: &payload_sha256,
        };
        let authorization = self.credentials.authorization(REGION, &time, &signable);

        let headers = request.headers_mut();
        // The host is the transport's to send.
        for (name, value) in signed.iter().skip(1) {
            headers.insert(name, HeaderValue::from_str(value).map_err(|_| NOT_A_HEADER)?);
        }
        let mut authorization = HeaderValue::from_str(&authorization).map_err(|_| NOT_A_HEADER)?;
        authorization.set_sensitive(true);
        headers.insert(AUTHORIZATION, authorization);
        *request.method_mut() = method;
        Ok(request)
    }

    /// Reads `<Error><Code>…</Code><Message>…</Message></Error>`.
    fn refusal(&self, response: &http::Response<Bytes>, text: &str) -> Refusal {
        let error = xml::elements(text, "Error").next().unwrap_or_default();
        let code = xml::text(error, "Code");
        let message = xml::text(error, "Message").unwrap_or_else(|| "no reason given".to_owned());
        let hidden = [self.credentials.secret_access_key.expose().to_owned()];
        Refusal {
            status: response.status().as_u16(),
            from_api: code.is_some(),
            text_code: code.map(|code| Refusal::tidy(code, &hidden)),
            message: Refusal::tidy(message, &hidden),
            retry_after_s: Refusal::retry_after(response),
            ..Refusal::default()
        }
    }
}

/// A success whose body is something else is an error of its own kind: an empty listing must not be read out of it.
fn expect_root(operation: Operation, xml: &str, root: &str) -> Result<(), Error> {
    if xml::elements(xml, root).next().is_some() {
        return Ok(());
    }
    let message = format!("{} bytes that are no {root}", xml.len());
    Err(Error { operation, kind: ErrorKind::Unreadable { status: 200, message } })
}

/// What the answer to a listing says of itself.
struct Listing {
    /// Whether keys are percent-encoded, as was asked for: they may hold what XML cannot.
    is_encoded: bool,
    is_truncated: bool,
}

impl Listing {
    fn read(operation: Operation, xml: &str, root: &str) -> Result<Self, Error> {
        expect_root(operation, xml, root)?;
        let says = |name, value: &str| xml::text(xml, name).is_some_and(|text| text.eq_ignore_ascii_case(value));
        Ok(Self { is_encoded: says("EncodingType", "url"), is_truncated: says("IsTruncated", "true") })
    }

    /// A key. Encoded, a `+` is a space, as in S3; a `+` itself is always escaped.
    fn key(&self, xml: &str, name: &str) -> Option<String> {
        let text = xml::text(xml, name)?;
        if !self.is_encoded {
            return Some(text);
        }
        Some(percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned())
    }

    fn next<T>(&self, read: impl FnOnce() -> Option<T>) -> Option<T> {
        if self.is_truncated { read() } else { None }
    }
}

/// A query in the form that is both sent and signed. Parameters are added in the order of their names.
#[derive(Default)]
struct Query(String);

impl Query {
    fn add(mut self, name: &str, value: &str) -> Self {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        operation::percent_encode(&mut self.0, value, false);
        self
    }

    fn add_if(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.add(name, value),
            None => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::testing::{Answer, Recorder, TOKEN, client, raw};
    use crate::cloudflare::{TransportError, Verdict};

    /// 2013-05-24.
    const NOW: Timestamp = Timestamp(1_369_353_600_000);
    const TOKEN_ID: &str = "fedcba9876543210fedcba9876543210";

    fn s3(answers: impl IntoIterator<Item = Answer>) -> (S3, Arc<Recorder>) {
        let (client, far) = client(answers);
        (client.s3("https://acc.r2.test/", TOKEN_ID), far)
    }

    fn upload(key: &str, id: &str) -> MultipartUpload {
        MultipartUpload { key: key.to_owned(), id: id.to_owned() }
    }

    fn error_xml(code: &str) -> String {
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Error><Code>{code}</Code><Message>because</Message></Error>"
        )
    }

    #[tokio::test]
    async fn a_page_of_objects_is_asked_for_and_read_as_in_s3() {
        let first = "<?xml version=\"1.0\"?>\n<ListBucketResult xmlns=\"x\"><EncodingType>url</EncodingType><IsTruncated>true</IsTruncated>\
            <NextContinuationToken>a+/=</NextContinuationToken>\
            <Contents><Key>a+b%2Bc%0A/%C3%A9&amp;</Key><Size>1</Size></Contents><Contents><Size>1</Size><Key>d</Key></Contents></ListBucketResult>";
        let last = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>50%25+&lt;</Key></Contents></ListBucketResult>";
        let (s3, far) = s3([raw(200, first), raw(200, last)]);
        let page = s3.list_objects("b", None, NOW).await.unwrap();
        let keys: Vec<&str> = page.items.iter().map(|object| object.key.as_str()).collect();
        assert_eq!(keys, ["a b+c\n/é&", "d"]);
        let sent = far.only();
        let listing = "https://acc.r2.test/b?encoding-type=url&list-type=2&max-keys=1000";
        assert_eq!((sent.0.method().as_str(), sent.0.uri().to_string().as_str()), ("GET", listing));
        let authorization = sent.header("authorization").unwrap();
        let start = format!(
            "AWS4-HMAC-SHA256 Credential={TOKEN_ID}/20130524/auto/s3/aws4_request,SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
        );
        assert!(authorization.starts_with(&start), "{authorization}");
        assert_eq!(sent.header("x-amz-date"), Some("20130524T000000Z"));

        let page = s3.list_objects("b", page.cursor.as_deref(), NOW).await.unwrap();
        let plain = Object { key: "50%25+<".to_owned() };
        assert_eq!(page, Page { items: vec![plain], cursor: None }, "not encoded, whatever was asked for");
        let uri = far.only().0.uri().to_string();
        assert!(uri.ends_with("/b?continuation-token=a%2B%2F%3D&encoding-type=url&list-type=2&max-keys=1000"), "{uri}");
    }

    #[tokio::test]
    async fn keys_are_deleted_in_one_call_and_those_that_stay_come_back() {
        let result =
            "<DeleteResult xmlns=\"x\"><Error><Key>lo&amp;cked</Key><Code>AccessDenied</Code></Error></DeleteResult>";
        let (s3, far) = s3([raw(200, result), raw(200, "<DeleteResult/>")]);
        let keys = ["lo&cked", "a\r\n", "\u{1}"].map(str::to_owned);
        assert_eq!(s3.delete_objects("b", &keys, NOW).await.unwrap(), ["\u{1}", "lo&cked"]);
        let sent = far.only();
        assert_eq!((sent.0.method().as_str(), sent.0.uri().path_and_query().unwrap().as_str()), ("POST", "/b?delete="));
        let body = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>\
            <Object><Key>lo&amp;cked</Key></Object><Object><Key>a&#13;&#10;</Key></Object></Delete>";
        assert_eq!(sent.0.body(), body);
        assert_eq!(sent.header(CHECKSUM.as_str()), Some(BASE64_STANDARD.encode(Sha256::digest(body)).as_str()));
        assert!(sent.header("authorization").unwrap().contains(";x-amz-checksum-sha256;"));

        assert!(s3.delete_objects("b", &keys[1..2], NOW).await.unwrap().is_empty());
        far.only();
        assert_eq!(s3.delete_objects("b", &keys[2..], NOW).await.unwrap(), ["\u{1}"]);
        let error = s3.delete_objects("b", &vec![String::new(); 1001], NOW).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unsendable(_)), "{error}");
        assert!(far.sent().is_empty(), "there was nothing to send");
    }

    #[tokio::test]
    async fn unfinished_uploads_are_listed_from_where_the_last_page_ended_and_aborted() {
        let page = "<ListMultipartUploadsResult><UploadIdMarker/><NextKeyMarker>b+c</NextKeyMarker><NextUploadIdMarker>2+=</NextUploadIdMarker>\
            <EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><Upload><Key>a</Key><UploadId>1</UploadId></Upload>\
            <Upload><UploadId>2+=</UploadId><Key>b+c</Key></Upload></ListMultipartUploadsResult>";
        let (s3, far) = s3([raw(200, page), raw(200, "<ListMultipartUploadsResult/>"), raw(204, "")]);
        let uploads = s3.list_multipart_uploads("b", None, NOW).await.unwrap();
        assert_eq!(uploads.items, [upload("a", "1"), upload("b c", "2+=")]);
        assert_eq!(uploads.next, Some(upload("b c", "2+=")));
        let rest = s3.list_multipart_uploads("b", uploads.next.as_ref(), NOW).await.unwrap();
        assert_eq!(rest, UploadPage::default());
        s3.abort_multipart_upload("b", &uploads.items[1], NOW).await.unwrap();
        let sent: Vec<String> = far.sent().iter().map(|sent| format!("{} {}", sent.0.method(), sent.0.uri())).collect();
        assert_eq!(
            sent,
            [
                "GET https://acc.r2.test/b?encoding-type=url&max-uploads=1000&uploads=",
                "GET https://acc.r2.test/b?encoding-type=url&key-marker=b%20c&max-uploads=1000&upload-id-marker=2%2B%3D&uploads=",
                "DELETE https://acc.r2.test/b/b%20c?uploadId=2%2B%3D",
            ]
        );
        let error = s3.abort_multipart_upload("b", &upload("a/../b", "1"), NOW).await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Unsendable(_)), "{error}");
    }

    #[tokio::test]
    async fn a_success_that_is_no_listing_is_not_taken_for_an_empty_one() {
        for body in ["", "<html>", "{}", "<ListBucketResult><IsTruncated>false</IsTruncated>"] {
            let (s3, _) = s3([raw(200, body), raw(200, body), raw(200, body)]);
            for error in [
                s3.list_objects("b", None, NOW).await.unwrap_err(),
                s3.list_multipart_uploads("b", None, NOW).await.unwrap_err(),
                s3.delete_objects("b", &["k".to_owned()], NOW).await.unwrap_err(),
            ] {
                assert!(matches!(error.kind, ErrorKind::Unreadable { .. }), "{body}: {error:?}");
            }
        }
    }

    #[tokio::test]
    async fn what_s3_refuses_is_told_from_what_concerns_the_whole_plane() {
        use Verdict::{Done, Later, Missing, Never, S3Unusable};
        for (status, code, list, abort) in [
            (401, "Unauthorized", S3Unusable, S3Unusable),
            (403, "AccessDenied", S3Unusable, S3Unusable),
            (403, "SignatureDoesNotMatch", S3Unusable, S3Unusable),
            (403, "InvalidAccessKeyId", S3Unusable, S3Unusable),
            (400, "InvalidArgument", S3Unusable, S3Unusable),
            (400, "ExpiredRequest", S3Unusable, S3Unusable),
            (501, "NotImplemented", S3Unusable, S3Unusable),
            (403, "NotEntitled", Never, Never),
            (404, "NoSuchBucket", Missing, Done),
            (404, "NoSuchUpload", Missing, Done),
            (429, "TooManyRequests", Later { retry_after_s: None }, Later { retry_after_s: None }),
            (503, "ServiceUnavailable", Later { retry_after_s: None }, Later { retry_after_s: None }),
        ] {
            let (s3, _) = s3([raw(status, error_xml(code)), raw(status, error_xml(code))]);
            let error = s3.list_objects("b", None, NOW).await.unwrap_err();
            assert_eq!(error.verdict(), list, "{status} {code}");
            assert_eq!(error.to_string(), format!("s3.object.list: status {status}, {code}: because"));
            let error = s3.abort_multipart_upload("b", &upload("k", "1"), NOW).await.unwrap_err();
            assert_eq!(error.verdict(), abort, "{status} {code}");
        }
        let (s3, _) = s3([raw(403, "<html>blocked"), Err(TransportError::TimedOut)]);
        let verdict = async || s3.list_objects("b", None, NOW).await.unwrap_err().verdict();
        assert_eq!(verdict().await, Later { retry_after_s: None }, "a firewall, not S3");
        assert_eq!(verdict().await, Verdict::LookAgain);
    }

    #[tokio::test]
    async fn neither_token_nor_secret_key_is_printed_or_sent() {
        let secret = hex(&Sha256::digest(TOKEN));
        let quoting = error_xml(&format!("Bad</Code><Message>{secret}</Message><Code>"));
        let (s3, far) = s3([raw(403, quoting)]);
        let error = s3.delete_objects("b", &["k".to_owned()], NOW).await.unwrap_err();
        assert_eq!(error.to_string(), "s3.object.delete_many: status 403, Bad: REDACTED");
        let sent = far.only();
        let printed = format!("{s3:?} {error:?} {:?}", sent.0);
        assert!(!printed.contains(&secret) && !printed.contains(TOKEN) && !printed.contains("Signature="), "{printed}");
        for value in sent.0.headers().values() {
            assert!(!value.to_str().unwrap().contains(&secret) && !value.to_str().unwrap().contains(TOKEN));
        }
    }
}
