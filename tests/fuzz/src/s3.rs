//! R2's answers over S3, which are XML. The keys in them are the customers' own.

use std::fmt::Write;

use paramita::clock::Timestamp;

use crate::cloudflare::{Always, client, said};
use crate::plane::finish;
use crate::text;

/// No answer does harm; and a listing of any keys reads back as those keys.
pub fn run(data: &[u8]) {
    if let Some(answer) = Always::read(data) {
        let is_success = (200..300).contains(&answer.status);
        let (client, _) = client(answer);
        let (s3, now) = (client.s3("https://s3.test", "id"), Timestamp(0));
        let results = [
            finish(s3.list_objects("b", None, now)).map(drop),
            finish(s3.list_multipart_uploads("b", None, now)).map(drop),
            finish(s3.delete_objects("b", &["k".to_owned()], now)).map(drop),
        ];
        for result in results {
            assert!(result.is_err() || is_success);
            if let Err(error) = result {
                said(&error);
            }
        }
    }
    let keys: Vec<&str> = text(data).split('\n').filter(|key| !key.is_empty()).collect();
    let mut xml = String::from("<?xml version=\"1.0\"?><ListBucketResult><EncodingType>url</EncodingType>");
    for key in &keys {
        xml.push_str("<Contents><Key>");
        for byte in key.bytes() {
            // Writing to a String cannot fail.
            let _ = match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                    write!(xml, "{}", char::from(byte))
                }
                b' ' => write!(xml, "+"),
                _ => write!(xml, "%{byte:02X}"),
            };
        }
        xml.push_str("</Key><Size>1</Size></Contents>");
    }
    xml.push_str("<IsTruncated>false</IsTruncated></ListBucketResult>");
    let (client, _) = client(Always { status: 200, body: xml.into_bytes() });
    let page = finish(client.s3("https://s3.test", "id").list_objects("b", None, Timestamp(0)));
    let read: Vec<String> =
        page.map(|page| page.items.into_iter().map(|object| object.key).collect()).unwrap_or_default();
    assert_eq!(read, keys);
}
