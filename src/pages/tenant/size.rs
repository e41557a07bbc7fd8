//! Size and sleep: chosen, then shown with its price, then saved.

use maud::{Markup, html};

use super::{TenantPage, form, may_not};
use crate::pages::layout::{Frame, page};
use crate::pages::parts::{self, Size, error_of, hidden};
use crate::tenant::{InstanceType, SleepAfter};

/// What may be chosen, and what is.
#[derive(Clone, Debug)]
pub struct SizeForm<'a> {
    /// Every size that this tenant may have.
    pub sizes: &'a [Size],
    /// Chosen.
    pub instance_type: InstanceType,
    /// Chosen.
    pub sleep_after: SleepAfter,
    /// How a tenant may be used, for its price.
    pub presets: &'a [Preset<'a>],
}

/// A way in which tenants are used.
#[derive(Clone, Copy, Debug)]
pub struct Preset<'a> {
    /// As it is sent.
    pub value: &'a str,
    /// For people: `Light: 8 hours a day, 10 % CPU`.
    pub words: &'a str,
}

/// A shape and what it costs.
#[derive(Clone, Debug)]
pub struct Quote<'a> {
    /// The size.
    pub instance_type: InstanceType,
    /// When it sleeps.
    pub sleep_after: SleepAfter,
    /// A month, for people: `$30.38`.
    pub monthly: &'a str,
}

/// A change that was asked about and is not made yet.
#[derive(Clone, Debug)]
pub struct Preview<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Whose.
    pub name: &'a str,
    /// What the change was made from.
    pub generation: i64,
    /// As it is.
    pub before: Quote<'a>,
    /// As it would be.
    pub after: Quote<'a>,
    /// The change of the price, for people: `$16.50 more a month`.
    pub difference: &'a str,
    /// How the prices are meant: the preset's words.
    pub usage: &'a str,
    /// What would be done, a sentence each; empty: nothing would change.
    pub plan: &'a [&'a str],
}

pub fn size(shown: &TenantPage<'_>) -> Markup {
    let SizeForm { sizes, instance_type, sleep_after, presets } = &shown.size;
    let generation = shown.progress.tenant.generation.to_string();
    let usage = html! {
        select id="usage" name="usage" aria-describedby=(parts::described_by("usage")) {
            @for preset in *presets { option value=(preset.value) { (preset.words) } }
        }
    };
    html! {
        section.card id="size" aria-labelledby="size-title" {
            h2 id="size-title" { "Size and sleep" }
            @if shown.may.write {
                (form(shown, "spec", &html! {
                    (hidden("generation", &generation))
                    (parts::size_picker(sizes, *instance_type, error_of(shown.errors, "instance_type")))
                    (parts::sleep_picker(sleep_after, error_of(shown.errors, "sleep_after")))
                    (parts::field("usage", "How busy will it be?", "Only for the price that is shown next; it sets nothing. What never sleeps is awake all day.",
                        error_of(shown.errors, "usage"), &usage))
                    div.actions {
                        button name="step" value="preview" { "Show what changes" }
                        span.hint { "Nothing is saved yet." }
                    }
                }))
            } @else { (may_not("write")) }
        }
    }
}

/// The page that asks whether to save.
pub fn preview(preview: &Preview<'_>) -> Markup {
    let Preview { name, before, after, .. } = preview;
    let back = html! { a href={ "/tenants/" (name) "#size" } { "Leave it as it is" } };
    let content = html! {
        h1 { "Change " code { (name) } "?" }
        section.card aria-labelledby="price-title" {
            h2 id="price-title" { (preview.difference) }
            table {
                thead { tr { td {} th scope="col" { "Now" } th scope="col" { "Then" } } }
                tbody {
                    (row("Size", before.instance_type.as_str(), after.instance_type.as_str()))
                    (row("Sleeps", &parts::sleeps(&before.sleep_after), &parts::sleeps(&after.sleep_after)))
                    (row("A month", before.monthly, after.monthly))
                }
            }
            p.hint {
                "Prices for: " (preview.usage) "."
                @if [before, after].iter().any(|quote| quote.sleep_after == SleepAfter::Never) {
                    " What never sleeps is awake all day."
                }
            }
        }
        section.card aria-labelledby="plan-title" {
            h2 id="plan-title" { "What will happen" }
            @if preview.plan.is_empty() {
                p { "Nothing: it is like that already." }
                p.actions { (back) }
            } @else {
                ul { @for line in preview.plan { li { (line) } } }
                form.actions method="post" action={ "/tenants/" (name) "/spec" } {
                    (parts::csrf(preview.frame))
                    (hidden("step", "save"))
                    (hidden("generation", &preview.generation.to_string()))
                    (hidden("instance_type", after.instance_type.as_str()))
                    (hidden("sleep_after", &after.sleep_after.to_string()))
                    button { "Save the change" }
                    (back)
                }
            }
        }
    };
    page(preview.frame, "Change it?", &content)
}

fn row(title: &str, before: &str, after: &str) -> Markup {
    html! {
        tr {
            th scope="row" { (title) }
            td { (before) }
            td class=[(before != after).then_some("changed")] { (after) }
        }
    }
}
