//! What changes a tenant: each a form, folded until it is wanted.

use maud::{Markup, html};

use super::TenantPage;
use crate::pages::console::layout::{Frame, csrf};
use crate::pages::parts::{self, error_of, field, hidden};
use crate::tenant::spec::MAX_INSTANCES;
use crate::tenant::{InstanceType, Phase, Tenant};

pub(super) fn change(shown: &TenantPage<'_>) -> Markup {
    let tenant = shown.standing.tenant;
    html! {
        section.card.danger id="change" aria-labelledby="change-title" {
            h2 id="change-title" { "Change it" }
            @if tenant.deletion.is_none() {
                (spec(shown))
                (release(shown))
                (trial(shown))
                @if tenant.suspended_at.is_none() {
                    details open[error_of(shown.errors, "suspend-confirm").is_some()] {
                        summary { "Suspend" }
                        (form_of(shown, "suspend", &html! {
                            p { "It stops answering at once. All data is kept, and only storage costs." }
                            (confirm(shown, "suspend-confirm"))
                            button.danger { "Suspend it" }
                        }))
                    }
                }
            }
            @if tenant.phase != Phase::Deleted { (delete(shown)) }
        }
    }
}

fn spec(shown: &TenantPage<'_>) -> Markup {
    let spec = &shown.standing.tenant.spec;
    let sizes = html! {
        select id="instance_type" name="instance_type" aria-describedby=(parts::described_by("instance_type")) {
            @for size in InstanceType::ALL { option value=(size.as_str()) selected[size == spec.instance_type] { (size.as_str()) } }
        }
    };
    let instances = html! {
        input type="number" id="max_instances" name="max_instances" min="1" max=(MAX_INSTANCES) value=(spec.max_instances)
            aria-describedby=(parts::described_by("max_instances"));
    };
    let wrong = |id| error_of(shown.errors, id);
    let is_wrong = ["instance_type", "max_instances", "sleep_after"].into_iter().any(|id| wrong(id).is_some());
    html! {
        details open[is_wrong] {
            summary { "Resize, or let it sleep" }
            (form_of(shown, "spec", &html! {
                div.columns {
                    (field("instance_type", "Size", "lite and basic do not suit OpenClaw; only you can give them.", wrong("instance_type"), &sizes))
                    (field("max_instances", "Instances", "Most that run at once.", wrong("max_instances"), &instances))
                }
                (parts::sleep_picker(&spec.sleep_after, wrong("sleep_after")))
                button { "Save" }
            }))
        }
    }
}

fn release(shown: &TenantPage<'_>) -> Markup {
    let own = shown.standing.tenant.release.0.as_str();
    let list = html! {
        select id="release" name="release" aria-describedby=(parts::described_by("release")) {
            @for (id, is_default) in shown.releases {
                option value=(id) selected[*id == own] { (id) @if *is_default { " (sign-ups get it)" } @if *id == own { " (has it)" } }
            }
        }
    };
    html! {
        details open[error_of(shown.errors, "release").is_some()] {
            summary { "Move to another release" }
            (form_of(shown, "release", &html! {
                (field("release", "Release", "Its Worker is deployed anew, and its container restarts.", error_of(shown.errors, "release"), &list))
                button { "Move it" }
            }))
        }
    }
}

fn trial(shown: &TenantPage<'_>) -> Markup {
    let ends = shown.standing.tenant.expires_at.map(|at| at.to_string());
    let day = ends.as_deref().and_then(|at| at.get(..10)).unwrap_or_default();
    let date = html! {
        input type="date" id="ends_on" name="ends_on" value=(day) aria-describedby=(parts::described_by("ends_on"));
    };
    html! {
        details open[error_of(shown.errors, "ends_on").is_some()] {
            summary { "Set when its trial ends" }
            (form_of(shown, "trial", &html! {
                (field("ends_on", "Last day", "UTC. It is suspended the day after, and deleted a week later. Empty: no end.", error_of(shown.errors, "ends_on"), &date))
                button { "Save" }
            }))
        }
    }
}

fn delete(shown: &TenantPage<'_>) -> Markup {
    let is_going = shown.standing.tenant.deletion.is_some();
    html! {
        details open[error_of(shown.errors, "delete-confirm").is_some() || error_of(shown.errors, "grace_days").is_some()] {
            summary { (if is_going { "Shorten how long its data is kept" } else { "Delete" }) }
            (form_of(shown, "delete", &html! {
                p { "Worker, container and address go at once, its data when it need not be kept any more." }
                div.field {
                    label for="grace_days" { "Keep its data for days" }
                    input type="number" id="grace_days" name="grace_days" min="0" max="30" value="7" aria-describedby="grace_days-error";
                    (parts::field_error("grace_days", error_of(shown.errors, "grace_days")))
                }
                (confirm(shown, "delete-confirm"))
                button.danger { "Delete it" }
            }))
        }
    }
}

pub(super) fn confirm(shown: &TenantPage<'_>, id: &str) -> Markup {
    parts::confirm(id, shown.standing.tenant.name.as_str(), error_of(shown.errors, id))
}

pub(super) fn form_of(shown: &TenantPage<'_>, act: &str, content: &Markup) -> Markup {
    form(shown.frame, shown.standing.tenant, act, content)
}

/// A form about this very tenant: by its id, since a name may be given again.
pub(super) fn form(frame: Frame<'_>, tenant: &Tenant, act: &str, content: &Markup) -> Markup {
    html! {
        form method="post" action={ "/admin/tenants/" (tenant.id) "/act" } {
            (csrf(frame))
            (hidden("act", act))
            (hidden("generation", &tenant.generation.to_string()))
            (content)
        }
    }
}
