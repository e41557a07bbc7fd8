//! The front page: what this is, a way in for new tenants and one for those that are there.

use maud::{Markup, html};

use super::layout::{Frame, page};
use super::parts::{self, FieldError};
use crate::config::SignupMode;

/// What is shown on it.
#[derive(Clone, Copy, Debug)]
pub struct Home<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// Who may sign up.
    pub mode: SignupMode,
    /// The name that was tried, when the form came back; the token never comes back.
    pub name: &'a str,
    /// What was wrong with `name` or `token`.
    pub errors: &'a [FieldError<'a>],
}

/// The page at `/`.
pub fn home(home: &Home<'_>) -> Markup {
    let name_error = parts::error_of(home.errors, "name");
    let token_error = parts::error_of(home.errors, "token");
    let name = html! {
        input type="text" id="name" name="name" value=(home.name) required autocomplete="username" spellcheck="false"
            autocapitalize="off" aria-describedby=(parts::described_by("name")) aria-invalid=[name_error.map(|_| "true")];
    };
    let content = html! {
        div.hero {
            h1 { "Your own OpenClaw, running in a minute" }
            p.lead {
                "Sign up, and you get an instance that is yours alone: its own Worker, container, storage and address on "
                "Cloudflare. Change its size, put it to sleep or delete it whenever you like."
            }
            @match home.mode {
                SignupMode::Closed => p { "Sign-up is closed just now. Ask whoever runs this place for a tenant." },
                SignupMode::Invite => p.actions { a.button href="/signup" { "Sign up" } span.hint { "You need an invite code." } },
                SignupMode::Open => p.actions { a.button href="/signup" { "Sign up" } span.hint { "No code needed." } },
            }
        }
        (parts::error_summary(home.errors))
        section.card id="open" aria-labelledby="open-title" {
            h2 id="open-title" { "Open your tenant" }
            form method="post" action="/session" {
                (parts::csrf(home.frame))
                (parts::field("name", "Name", "Of your tenant, such as alice", name_error, &name))
                (parts::field("token", "API token", "Begins with pcp_; you were shown it when you signed up", token_error,
                    &parts::secret_input("token", token_error.is_some())))
                button { "Open" }
            }
        }
        section aria-labelledby="how-title" {
            h2 id="how-title" { "How it works" }
            ul.points {
                li { strong { "Yours alone." } " Nothing is shared with other tenants but the account that pays." }
                li { strong { "Secrets go one way." } " You can set, replace and delete them; nobody can read them back, us included." }
                li { strong { "No surprises." } " You see the price of every size, and of every change before it is made." }
                li { strong { "Gone means gone." } " Delete it and you get a receipt for each thing that was removed." }
            }
        }
    };
    page(home.frame, "Your own OpenClaw", &content)
}
