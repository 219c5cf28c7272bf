//! The digest as an HTML mail: tables and inline styles, since mail readers know little else, and nothing
//! from elsewhere.

use askama::Template;

use super::{DigestContent, OBSERVE_NOTE};
use crate::format::Style;

/// The name of the picture of the decision at `index`.
pub(super) fn picture_name(index: usize) -> String {
    format!("stock-{}.png", index + 1)
}

#[derive(Template)]
#[template(path = "digest_mail.html")]
struct Mail<'a> {
    content: &'a DigestContent,
    style: Style,
    observe_note: &'static str,
    chart_width: usize,
}

pub(super) fn render(content: &DigestContent) -> Result<String, askama::Error> {
    let chart_width = crate::chart::WIDTH / 2;
    Mail { content, style: content.style(), observe_note: OBSERVE_NOTE, chart_width }.render()
}
