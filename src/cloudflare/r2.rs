//! R2: buckets, their objects, their lifecycle rules.
//!
//! Buckets of the default jurisdiction only. Pages are asked for at their largest: the default of 20 would cost fifty
//! times the calls.

use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, Page, each, text};
use super::error::Error;
use super::operation::Operation;
use crate::clock::Timestamp;

/// The largest page of buckets and of objects (API schema), and the most keys that one bulk delete is given.
pub const PAGE_SIZE: usize = 1000;

/// An R2 bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Unique in the account.
    pub name: String,
    /// When it was made; `None` if Cloudflare did not say.
    pub creation_date: Option<Timestamp>,
}

impl Bucket {
    fn read(value: &Value) -> Option<Self> {
        let creation_date = value.get("creation_date").and_then(Value::as_str).and_then(Timestamp::parse);
        Some(Self { name: text(value, "name")?, creation_date })
    }
}

/// An object of a bucket.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Object {
    /// Its key, up to 1,024 bytes.
    pub key: String,
}

impl Client {
    /// `POST r2/buckets`. Twice: [`Verdict::Taken`](super::Verdict::Taken), whoever made the first.
    pub async fn create_bucket(&self, name: &str) -> Result<(), Error> {
        self.call(Operation::BucketCreate, &[]).json(&json!({ "name": name })).run().await
    }

    /// `GET r2/buckets/{bucket}`.
    pub async fn get_bucket(&self, bucket: &str) -> Result<Bucket, Error> {
        self.call(Operation::BucketGet, &[bucket]).pick(Bucket::read).await
    }

    /// `GET r2/buckets`, ordered by name. `name_contains` may match anywhere in the name: compare prefixes yourself.
    pub async fn list_buckets(&self, name_contains: Option<&str>, cursor: Option<&str>) -> Result<Page<Bucket>, Error> {
        let reply = self
            .call(Operation::BucketList, &[])
            .query("per_page", "1000")
            .query_if("name_contains", name_contains)
            .query_if("cursor", cursor)
            .send()
            .await?;
        let cursor = reply.info_text("cursor");
        let items = reply.pick(|result| each(result.get("buckets")?, Bucket::read))?;
        Ok(Page { items, cursor })
    }

    /// `DELETE r2/buckets/{bucket}`. Refused with [`Verdict::NotEmpty`](super::Verdict::NotEmpty) while it holds
    /// anything. Twice: [`Verdict::Done`](super::Verdict::Done).
    pub async fn delete_bucket(&self, bucket: &str) -> Result<(), Error> {
        self.call(Operation::BucketDelete, &[bucket]).run().await
    }

    /// `GET r2/buckets/{bucket}/objects`.
    pub async fn list_objects(&self, bucket: &str, cursor: Option<&str>) -> Result<Page<Object>, Error> {
        let call = self.call(Operation::ObjectList, &[bucket]).query("per_page", "1000");
        let reply = call.query_if("cursor", cursor).send().await?;
        let cursor = reply.info_text("cursor").filter(|_| !reply.info_denies("is_truncated"));
        Ok(Page { items: reply.result::<Option<_>>()?.unwrap_or_default(), cursor })
    }

    /// `DELETE r2/buckets/{bucket}/objects` with a list of at most [`PAGE_SIZE`] keys. A success need not mean
    /// all of them: returns how many went, `None` if Cloudflare did not say. Sends nothing for no keys. Twice: the same.
    pub async fn delete_objects(&self, bucket: &str, keys: &[String]) -> Result<Option<usize>, Error> {
        if keys.is_empty() {
            return Ok(Some(0));
        }
        let gone: Value = self.call(Operation::ObjectsDelete, &[bucket]).json(&keys).fetch().await?;
        Ok(gone.as_array().map(Vec::len))
    }

    /// `PUT r2/buckets/{bucket}/lifecycle`: one rule and no others, by which objects are deleted and multipart uploads
    /// aborted at the age of `max_age_s` seconds. Cloudflare usually gets to it within 24 hours of that. Twice: the same.
    pub async fn let_bucket_expire(&self, bucket: &str, rule: &str, max_age_s: u32) -> Result<(), Error> {
        let at_age = json!({ "condition": { "type": "Age", "maxAge": max_age_s } });
        let rule = json!({
            "id": rule,
            "enabled": true,
            "conditions": {},
            "deleteObjectsTransition": at_age,
            "abortMultipartUploadsTransition": at_age,
        });
        self.call(Operation::LifecyclePut, &[bucket]).json(&json!({ "rules": [rule] })).run().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloudflare::testing::{client, ok, ok_with};

    #[tokio::test]
    async fn a_bucket_is_created_as_recorded() {
        let bucket = json!({
            "name": "moltbot-data-alice", "creation_date": "2026-01-01T00:00:00.000Z", "location": "WEUR",
            "storage_class": "Standard", "jurisdiction": "default",
        });
        let (client, far) = client([ok(bucket.clone()), ok(bucket)]);
        client.create_bucket("moltbot-data-alice").await.unwrap();
        let sent = far.only();
        assert_eq!(sent.line(), "POST r2/buckets");
        assert_eq!(sent.header("content-type"), Some("application/json"));
        assert_eq!(sent.json(), json!({ "name": "moltbot-data-alice" }));
        let bucket = client.get_bucket("moltbot-data-alice").await.unwrap();
        assert_eq!(bucket.name, "moltbot-data-alice");
        assert_eq!(bucket.creation_date, Some(Timestamp(1_767_225_600_000)));
    }

    #[tokio::test]
    async fn a_bucket_of_which_little_is_told_can_be_read() {
        let (client, _) = client([ok(json!({ "name": "b", "creation_date": "yesterday", "new_field": {} }))]);
        let bucket = client.get_bucket("b").await.unwrap();
        assert_eq!(bucket, Bucket { name: "b".to_owned(), creation_date: None });
    }

    #[tokio::test]
    async fn lists_ask_for_the_largest_page_and_hand_on_the_cursor() {
        let buckets = json!({ "buckets": [{ "name": "b" }] });
        let objects = json!([{ "key": "k", "size": 3 }, { "key": "l" }]);
        let (client, far) = client([
            ok_with(buckets, json!({ "cursor": "a+b/c=" })),
            ok_with(json!({ "buckets": null }), json!({ "cursor": "" })),
            ok_with(objects, json!({ "cursor": "next", "is_truncated": true })),
            ok_with(json!([]), json!({ "cursor": "end", "is_truncated": false })),
            ok(json!(null)),
        ]);
        let page = client.list_buckets(Some("moltbot-data-"), None).await.unwrap();
        assert_eq!((page.items.len(), page.cursor.as_deref()), (1, Some("a+b/c=")));
        let page = client.list_buckets(None, page.cursor.as_deref()).await.unwrap();
        assert_eq!((page.items.len(), page.cursor), (0, None));
        let page = client.list_objects("b", None).await.unwrap();
        assert_eq!(page.items.iter().map(|object| object.key.as_str()).collect::<Vec<_>>(), ["k", "l"]);
        let page = client.list_objects("b", page.cursor.as_deref()).await.unwrap();
        assert_eq!(page.cursor, None, "the listing says that it is complete");
        assert_eq!(client.list_objects("b", None).await.unwrap(), Page { items: vec![], cursor: None });
        let lines: Vec<_> = far.sent().iter().map(|sent| sent.line()).collect();
        assert_eq!(
            lines,
            [
                "GET r2/buckets?per_page=1000&name_contains=moltbot-data-",
                "GET r2/buckets?per_page=1000&cursor=a%2Bb%2Fc%3D",
                "GET r2/buckets/b/objects?per_page=1000",
                "GET r2/buckets/b/objects?per_page=1000&cursor=next",
                "GET r2/buckets/b/objects?per_page=1000",
            ]
        );
    }

    #[tokio::test]
    async fn objects_go_by_list() {
        let (client, far) = client([ok(json!([{ "key": "a" }]))]);
        let keys = ["a".to_owned(), "../b".to_owned()];
        assert_eq!(client.delete_objects("b", &keys).await.unwrap(), Some(1));
        assert_eq!(client.delete_objects("b", &[]).await.unwrap(), Some(0));
        let sent = far.only();
        assert_eq!(sent.line(), "DELETE r2/buckets/b/objects");
        assert_eq!(sent.json(), json!(["a", "../b"]));
    }

    #[tokio::test]
    async fn a_bucket_is_let_expire_with_its_uploads() {
        let (client, far) = client([ok(json!({}))]);
        client.let_bucket_expire("b", "expire-all", 86_400).await.unwrap();
        let sent = far.only();
        assert_eq!(sent.line(), "PUT r2/buckets/b/lifecycle");
        let at_age = json!({ "condition": { "maxAge": 86_400, "type": "Age" } });
        let rule = json!({
            "id": "expire-all", "enabled": true, "conditions": {},
            "deleteObjectsTransition": at_age, "abortMultipartUploadsTransition": at_age,
        });
        assert_eq!(sent.json(), json!({ "rules": [rule] }));
    }

    #[tokio::test]
    async fn an_empty_bucket_is_deleted_as_recorded() {
        let (client, far) = client([ok(json!({}))]);
        client.delete_bucket("moltbot-data-alice").await.unwrap();
        let sent = far.only();
        assert_eq!(sent.line(), "DELETE r2/buckets/moltbot-data-alice");
        assert!(sent.0.body().is_empty());
    }
}
