//! Standing still, going, and coming back.

use maud::{Markup, html};

use super::{TenantPage, form, may_not};
use crate::pages::parts::{self, error_of, until};

const GRACES: [(&str, &str); 4] = [
    ("7", "For 7 days, so that you can undo it"),
    ("1", "For a day"),
    ("30", "For 30 days"),
    ("0", "Not at all: it goes at once, for good"),
];

pub fn life(shown: &TenantPage<'_>) -> Markup {
    html! {
        section.card.danger id="life" aria-labelledby="life-title" {
            h2 id="life-title" { "Suspend or delete" }
            @if !shown.may.write { (may_not("write")) }
            @else {
                @if shown.progress.tenant.suspended_at.is_some() { (resume(shown)) } @else { (suspend(shown)) }
                (delete(shown))
            }
        }
    }
}

fn suspend(shown: &TenantPage<'_>) -> Markup {
    let id = "suspend-confirm";
    html! {
        h3 { "Suspend" }
        p { "It stops answering at once. All data is kept, and only storage costs. You can resume it whenever you like." }
        (form(shown, "suspend", &html! {
            (parts::confirm(id, shown.progress.tenant.name.as_str(), error_of(shown.errors, id)))
            button.quiet { "Suspend" }
        }))
    }
}

fn resume(shown: &TenantPage<'_>) -> Markup {
    html! {
        h3 { "Resume" }
        p { "It answers again within a minute, with all its data, and costs about " (shown.monthly_running) " a month again." }
        (form(shown, "resume", &html! { button { "Resume" } }))
    }
}

fn delete(shown: &TenantPage<'_>) -> Markup {
    let id = "delete-confirm";
    let grace = html! {
        select id="grace_days" name="grace_days" aria-describedby=(parts::described_by("grace_days")) {
            @for (value, words) in GRACES { option value=(value) { (words) } }
        }
    };
    html! {
        h3 { "Delete" }
        p { "Worker, container, secrets and address go at once, and with them the cost. Its data goes when you say." }
        (form(shown, "delete", &html! {
            (parts::field("grace_days", "Keep its data", "", error_of(shown.errors, "grace_days"), &grace))
            (parts::confirm(id, shown.progress.tenant.name.as_str(), error_of(shown.errors, id)))
            button.danger { "Delete " (shown.progress.tenant.name) }
        }))
    }
}

/// While data is kept.
pub fn undelete(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.progress.tenant;
    let kept = tenant.deletion.filter(|deletion| shown.progress.now < deletion.keep_data_until);
    html! {
        @if let Some(deletion) = kept {
            section.card aria-labelledby="undelete-title" {
                h2 id="undelete-title" { "Changed your mind?" }
                p { "Its data is kept until " (until(deletion.keep_data_until)) ". Until then you can have it back as it was, "
                    "but for its secrets: those you set again." }
                @if shown.may.write { (form(shown, "undelete", &html! { button { "Bring it back" } })) }
                @else { (may_not("write")) }
            }
        }
    }
}
