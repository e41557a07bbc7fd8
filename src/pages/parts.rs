//! What several pages are made of.

use maud::{Markup, html};

use super::Frame;
use crate::clock::Timestamp;
use crate::cost::Money;
use crate::tenant::{InstanceType, SleepAfter};

/// What is wrong with one field of a form that came back.
#[derive(Clone, Copy, Debug)]
pub struct FieldError<'a> {
    /// The id of its control; see [`super`].
    pub field: &'a str,
    /// What is wrong and what to do, for people.
    pub message: &'a str,
}

/// A size that may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Which.
    pub instance_type: InstanceType,
    /// What it costs a month, awake around the clock with light use.
    pub monthly: Money,
}

/// The hidden field that every form carries.
pub fn csrf(frame: Frame<'_>) -> Markup {
    hidden("csrf", frame.csrf)
}

pub fn hidden(name: &str, value: &str) -> Markup {
    html! { input type="hidden" name=(name) value=(value); }
}

/// What is wrong with the control of that id.
pub fn error_of<'a>(errors: &[FieldError<'a>], id: &str) -> Option<&'a str> {
    errors.iter().find(|error| error.field == id).map(|error| error.message)
}

/// A control with its label above, and below it a hint and what is wrong with it. The control has the id `id` and is
/// `aria-describedby` [`described_by`].
pub fn field(id: &str, label: &str, hint: &str, error: Option<&str>, control: &Markup) -> Markup {
    html! {
        div.field {
            label for=(id) { (label) }
            p.hint id={ (id) "-hint" } { (hint) }
            (control)
            (field_error(id, error))
        }
    }
}

pub fn field_error(id: &str, error: Option<&str>) -> Markup {
    html! { p.error id={ (id) "-error" } { @if let Some(error) = error { (error) } } }
}

/// The ids of a control's hint and error.
pub fn described_by(id: &str) -> Markup {
    html! { (id) "-hint " (id) "-error" }
}

/// Everything that is wrong, above the form: each a link to its control. It takes the focus, so that it is read out.
pub fn error_summary(errors: &[FieldError<'_>]) -> Markup {
    html! {
        @if !errors.is_empty() {
            div.notice.bad role="alert" tabindex="-1" autofocus {
                h2 { "Please look at this again" }
                ul { @for error in errors { li { a href={ "#" (error.field) } { (error.message) } } } }
            }
        }
    }
}

/// A value that is a secret, hidden as it is typed and kept by no browser.
pub fn secret_input(name: &str, is_bad: bool) -> Markup {
    html! {
        input type="password" id=(name) name=(name) autocomplete="off" spellcheck="false" autocapitalize="off"
            aria-describedby=(described_by(name)) aria-invalid=[is_bad.then_some("true")];
    }
}

/// A value in full with a button that copies it; without scripts it is marked and copied by hand.
pub fn copyable(id: &str, label: &str, value: &str) -> Markup {
    html! {
        dt { (label) }
        dd.copyable {
            code id=(id) { (value) }
            clipboard-copy for=(id) aria-label={ "Copy: " (label) } { "Copy" }
        }
    }
}

/// A time: in words where scripts run, with the exact one on hover; else the exact one, to the minute.
pub fn when(at: Timestamp) -> Markup {
    html! { relative-time datetime=(at.to_string()) { (to_the_minute(at)) } }
}

/// A time to hold on to: exact, to the minute.
pub fn until(at: Timestamp) -> Markup {
    html! { time datetime=(at.to_string()) { (to_the_minute(at)) } }
}

fn to_the_minute(at: Timestamp) -> Markup {
    let exact = at.to_string();
    let (day, minute) = (exact.get(..10).unwrap_or(&exact), exact.get(11..16).unwrap_or_default());
    html! { (day) " " (minute) " UTC" }
}

/// What one instance has.
pub fn dimensions(size: InstanceType) -> Markup {
    let dimensions = size.dimensions();
    let cpus = match dimensions.vcpu_sixteenths {
        1 => "1/16",
        4 => "¼",
        8 => "½",
        16 => "1",
        32 => "2",
        _ => "4",
    };
    let quarters = dimensions.memory_quarter_gib;
    html! {
        (cpus) "\u{a0}vCPU, "
        @if quarters.is_multiple_of(4) { (quarters / 4) "\u{a0}GiB" } @else { (quarters * 256) "\u{a0}MiB" }
        "\u{a0}memory, " (dimensions.disk_gb) "\u{a0}GB\u{a0}disk"
    }
}

/// One of `sizes`, by radio buttons called `instance_type`.
pub fn size_picker(sizes: &[Size], chosen: InstanceType, error: Option<&str>) -> Markup {
    html! {
        fieldset.sizes id="instance_type" tabindex="-1" aria-describedby=(described_by("instance_type")) {
            legend { "Size" }
            p.hint id="instance_type-hint" {
                "Prices are for an instance awake around the clock with light use. Asleep it costs nothing but storage."
            }
            (field_error("instance_type", error))
            @for size in sizes {
                label.size {
                    input type="radio" name="instance_type" value=(size.instance_type.as_str())
                        checked[size.instance_type == chosen];
                    span {
                        strong { (size.instance_type.as_str()) }
                        small { (size.instance_type.recommended_for()) }
                        small { (dimensions(size.instance_type)) }
                    }
                    span.price { "$" (size.monthly.rounded(2)) small { "a month" } }
                }
            }
        }
    }
}

/// The times to sleep that are offered, and how people say them.
const SLEEPS: [(&str, &str); 4] = [("10m", "10 minutes"), ("30m", "30 minutes"), ("1h", "an hour"), ("6h", "6 hours")];

/// When an instance sleeps, for people: `never`, `after an hour`.
pub fn sleeps(sleep: &SleepAfter) -> String {
    let exact = sleep.to_string();
    let words = SLEEPS.iter().find(|(value, _)| *value == exact).map_or(exact.as_str(), |(_, words)| words);
    if *sleep == SleepAfter::Never { exact } else { format!("after {words}") }
}

/// When to sleep, by a list called `sleep_after`; a value that is not on it is added.
pub fn sleep_picker(chosen: &SleepAfter, error: Option<&str>) -> Markup {
    let chosen = chosen.to_string();
    let is_listed = chosen == "never" || SLEEPS.iter().any(|(value, _)| *value == chosen);
    let hint = "Asleep it costs nothing but storage; the first request then waits a little while it wakes.";
    let control = html! {
        select id="sleep_after" name="sleep_after" aria-describedby=(described_by("sleep_after"))
            aria-invalid=[error.map(|_| "true")] {
            option value="never" selected[chosen == "never"] { "Never: always there at once" }
            @for (value, words) in SLEEPS {
                option value=(value) selected[value == chosen] { "After " (words) " without work" }
            }
            @if !is_listed { option value=(chosen) selected { "After " (chosen) " without work" } }
        }
    };
    field("sleep_after", "Sleep", hint, error, &control)
}

/// The tenant's name typed out, to be sure. The control is called `confirm`.
pub fn confirm(id: &str, tenant: &str, error: Option<&str>) -> Markup {
    html! {
        div.field {
            label for=(id) { "Type " code { (tenant) } " to confirm" }
            input type="text" id=(id) name="confirm" required autocomplete="off" spellcheck="false" autocapitalize="off"
                aria-describedby={ (id) "-error" } aria-invalid=[error.map(|_| "true")];
            (field_error(id, error))
        }
    }
}
