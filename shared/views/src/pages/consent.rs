//! What the browser shows at the end of a consent.

use askama::Template;

use super::STYLE_SHEET;

/// The last page of a consent in the browser: what came of it, and what to do next. It leads nowhere, since what shows it
/// is about to end.
#[derive(Clone, Debug)]
pub struct ConsentPage {
    /// What came of it: `Corner Shop is connected`.
    pub what: String,
    /// What to do, one or more sentences.
    pub what_to_do: String,
}

#[derive(Template)]
#[template(path = "consent.html")]
struct Page<'a> {
    title: &'static str,
    style_sheet: &'static str,
    page: &'a ConsentPage,
}

impl ConsentPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        Page { title: "Connect to Xero", style_sheet: STYLE_SHEET, page: self }.render()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_out_of_xero_stays_text() {
        let page = ConsentPage { what: "<script>1</script> is connected".into(), what_to_do: "a & b".into() };
        let html = page.render().unwrap();
        assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
        assert!(!html.contains("a & b"), "{html}");
    }
}
