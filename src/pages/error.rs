//! A page that says what went wrong and what to do next.

use maud::{Markup, html};

use super::layout::{Frame, page};

/// What is shown on it.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// Around it.
    pub frame: Frame<'a>,
    /// HTTP's number.
    pub status: u16,
    /// What went wrong, in a few words.
    pub title: &'a str,
    /// The same at length.
    pub detail: &'a str,
    /// Everything that was wrong with what was sent.
    pub errors: &'a [&'a str],
    /// What to do next: words, and where they lead.
    pub next: &'a [(&'a str, &'a str)],
    /// To find it in the logs.
    pub request_id: &'a str,
}

/// The page for `problem`.
pub fn problem(problem: &Problem<'_>) -> Markup {
    let content = html! {
        p.status { (problem.status) }
        h1 { (problem.title) }
        p.lead { (problem.detail) }
        @if !problem.errors.is_empty() { ul { @for error in problem.errors { li { (error) } } } }
        p.actions {
            @for (words, href) in problem.next { a href=(href) { (words) } }
            a href="/" { "Go to the front page" }
        }
        p.hint { "If you ask for help, say this number: " code { (problem.request_id) } }
    };
    page(problem.frame, problem.title, &content)
}
