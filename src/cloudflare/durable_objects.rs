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
    pub name: Option<String>,
    /// The script that exports the class; `None` once that is deleted.
    #[serde(default)]
    pub script: Option<String>,
    /// The class.
    #[serde(default)]
    pub class: Option<String>,
    /// Whether its objects are stored in SQLite, as containers need; `None` if Cloudflare did not say.
    #[serde(default)]
    pub use_sqlite: Option<bool>,
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
