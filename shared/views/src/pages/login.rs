//! Signing in.

use askama::Template;

use super::STYLE_SHEET;

/// The page that asks for name and password. Its form posts `user`, `password`, `csrf` and `next` to
/// `/login`.
#[derive(Clone, Debug)]
pub struct LoginPage {
    /// As [`super::Site::root`].
    pub root: String,
    /// The token that the form sends back.
    pub csrf: String,
    /// The path to go to afterwards; the server takes only paths of its own.
    pub next: String,
    /// What was wrong with the last try, and what to do.
    pub problem: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a LoginPage,
}

impl LoginPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        Page { title: "Sign in", style_sheet: STYLE_SHEET, page: self }.render()
    }
}
