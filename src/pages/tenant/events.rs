//! What happened.

use maud::{Markup, html};

use crate::pages::parts::when;
use crate::registry::EventRow;

/// A page of history.
#[derive(Clone, Copy, Debug)]
pub struct Events<'a> {
    /// Newest first.
    pub rows: &'a [EventRow],
    /// Where those before are; `None`: there are none.
    pub older: Option<&'a str>,
}

pub fn events(events: &Events<'_>) -> Markup {
    html! {
        section.card id="events" aria-labelledby="events-title" {
            h2 id="events-title" { "Events" }
            ol.events {
                @for row in events.rows {
                    li {
                        span.hint { (when(row.at_ms)) }
                        p { (row.message) }
                    }
                }
            }
            @if let Some(older) = events.older { p { a href=(older) { "Show older ones" } } }
        }
    }
}
