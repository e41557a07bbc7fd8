//! What was deleted, and the proof that it is gone.

use maud::{Markup, html};

use super::parts::when;
use crate::tenant::{Ledger, Resource, ResourceKind};

/// Each line of the ledger that is over.
pub fn receipt(ledger: &Ledger) -> Markup {
    html! {
        section.card id="receipt" aria-labelledby="receipt-title" {
            h2 id="receipt-title" { "Receipt" }
            p.hint { "Each thing that was made for this tenant, and when a look at Cloudflare showed that it is gone." }
            ul.rows {
                @for kind in ResourceKind::ALL { (line(ledger.get(kind))) }
            }
        }
    }
}

fn line(resource: &Resource) -> Markup {
    let what = match resource.kind {
        ResourceKind::Bucket => "Storage",
        ResourceKind::Script => "Worker, with its secrets",
        ResourceKind::Application => "Container",
        ResourceKind::Route => "Address",
        ResourceKind::Schedule => "Cron triggers",
    };
    html! {
        li {
            div { strong { (what) } " " code { (resource.name) } }
            div.hint {
                @match (resource.asked_at, resource.removed_at, resource.gone_at) {
                    (Some(_), None, _) => "Still there",
                    (Some(_), Some(at), _) => { "Deleted " (when(at)) ", to be looked at once more" },
                    (None, _, Some(at)) => { "Gone, seen " (when(at)) },
                    (None, _, None) => "Never made",
                }
            }
        }
    }
}
