//! What went wrong, and what to do.

use askama::Template;

use super::STYLE_SHEET;

/// A page that says what went wrong. It needs no org, so that it can be shown whatever failed.
#[derive(Clone, Debug)]
pub struct ErrorPage {
    /// What went wrong, in a few words: `There is no such proposal`.
    pub what: String,
    /// What to do, one or two sentences.
    pub what_to_do: String,
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a ErrorPage,
}

impl ErrorPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        Page { title: "Something went wrong", style_sheet: STYLE_SHEET, page: self }.render()
    }
}
