//! Durable Object namespaces. They come with a script's upload and go with its deletion; there is nothing to create.

use serde::Deserialize;

use super::client::{Client, Page};
use super::error::Error;
use super::operation::Operation;

/// One class's objects.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Namespace {
    /// Cloudflare's id of it.
    pub id: String,
    /// `<script>_<class>`.
    #[serde(default)]
    pub name: String,
    /// The script that exports the class; `None` once that is deleted.
    #[serde(default)]
    pub script: Option<String>,
}

impl Client {
    /// `GET workers/durable_objects/namespaces`, 1,000 a page, which is the most. The cursor is the page's number.
    pub async fn list_namespaces(&self, cursor: Option<&str>) -> Result<Page<Namespace>, Error> {
        let page = cursor.unwrap_or("1");
        let call = self.call(Operation::NamespaceList, &[]).query("per_page", "1000").query("page", page);
        let reply = call.send().await?;
        let page: u64 = page.parse().unwrap_or(1);
        let total_pages = reply.info_number("total_pages");
        let items: Vec<Namespace> = reply.result::<Option<_>>()?.unwrap_or_default();
        // Without a total, a full page is taken to have a next one.
        let has_next = total_pages.map_or(items.len() >= super::r2::PAGE_SIZE, |total| page < total);
        Ok(Page { items, cursor: has_next.then(|| (page + 1).to_string()) })
    }
}

#[cfg(test)]
mod tests {
    use crate::cloudflare::testing::{client, ok_with};
    use serde_json::{Value, json};

    #[tokio::test]
    async fn namespaces_are_listed_in_the_largest_pages_until_the_last() {
        let namespace =
            json!({ "id": "acf0", "name": "s_Sandbox", "class": "Sandbox", "script": "s", "use_sqlite": true });
        let (client, far) = client([
            ok_with(json!([namespace]), json!({ "page": 1, "total_pages": 2 })),
            ok_with(json!([{ "id": "x" }]), json!({ "page": 2, "total_pages": 2 })),
            ok_with(json!([namespace]), Value::Null),
            ok_with(json!(vec![namespace; 1000]), Value::Null),
        ]);
        let page = client.list_namespaces(None).await.unwrap();
        assert_eq!((page.items[0].id.as_str(), page.items[0].script.as_deref()), ("acf0", Some("s")));
        assert_eq!(page.cursor.as_deref(), Some("2"));
        assert_eq!(client.list_namespaces(page.cursor.as_deref()).await.unwrap().cursor, None);
        assert_eq!(client.list_namespaces(None).await.unwrap().cursor, None, "a page that is not full is the last");
        assert_eq!(client.list_namespaces(None).await.unwrap().cursor.as_deref(), Some("2"));
        let lines: Vec<_> = far.sent().iter().map(|sent| sent.line()).collect();
        assert_eq!(lines[0], "GET workers/durable_objects/namespaces?per_page=1000&page=1");
        assert_eq!(lines[1], "GET workers/durable_objects/namespaces?per_page=1000&page=2");
    }
}
