//! Text from outside, made harmless for the place where it is shown.
//!
//! HTML is escaped by [`Markup`] in every template. Slack's mrkdwn and header lines have no template, so their
//! texts pass through the functions here.

use std::fmt;

use askama::filters::Escaper;

/// Whether a character changes how its neighbours are read instead of showing something: controls, and
/// the marks that turn the direction of text, by which a quantity can be made to read backwards.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{061c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The text on one line, without hidden characters: line breaks and tabs become single blanks.
pub fn plain(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() || matches!(c, '\u{2028}' | '\u{2029}') {
            if !line.is_empty() && !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !is_hidden(c) {
            line.push(c);
        }
    }
    line.truncate(line.trim_end().len());
    line
}

/// Characters of a mail subject: longer ones are cut by readers anyway.
const HEADER_CHARS_MAX: usize = 150;

/// The text as the value of a mail header: one line, so that it can't begin another header.
pub fn header_line(text: &str) -> String {
    cut(&plain(text), HEADER_CHARS_MAX)
}

/// The first `chars_max` characters, with `…` as the last when some were cut.
pub fn cut(text: &str, chars_max: usize) -> String {
    if text.chars().count() <= chars_max {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(chars_max.saturating_sub(1)).collect();
    short.truncate(short.trim_end().len());
    short.push('…');
    short
}

/// Characters that one text from outside takes in a Slack message.
const SLACK_CHARS_MAX: usize = 300;

/// The text inside Slack's mrkdwn: `&`, `<` and `>` escaped, so that it is no link, mention or command
/// (`<!channel>`), and on one line. Source: Slack's "Formatting text for app surfaces".
pub fn slack(text: &str) -> String {
    cut(&plain(text), SLACK_CHARS_MAX).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Escapes for HTML text and quoted attributes, and drops hidden characters but line breaks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Markup;

impl Escaper for Markup {
    fn write_escaped_str<W: fmt::Write>(&self, mut out: W, text: &str) -> fmt::Result {
        text.chars().try_for_each(|c| self.write_escaped_char(&mut out, c))
    }

    fn write_escaped_char<W: fmt::Write>(&self, mut out: W, c: char) -> fmt::Result {
        match c {
            '&' => out.write_str("&amp;"),
            '<' => out.write_str("&lt;"),
            '>' => out.write_str("&gt;"),
            '"' => out.write_str("&quot;"),
            '\'' => out.write_str("&#39;"),
            '\n' => out.write_char('\n'),
            hidden if is_hidden(hidden) => out.write_char(' '),
            shown => out.write_char(shown),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_stays_one_line() {
        assert_eq!(header_line("Acme\r\nBcc: x@example.com"), "Acme Bcc: x@example.com");
        assert_eq!(header_line(" a\u{2028}b\t c\n"), "a b c");
        assert_eq!(header_line(&"x".repeat(200)).chars().count(), HEADER_CHARS_MAX);
    }

    #[test]
    fn hidden_characters_do_not_turn_figures() {
        assert_eq!(plain("order \u{202e}0001\u{202c} now"), "order 0001 now");
        assert_eq!(plain("a\u{0}b\u{7}c"), "abc");
        // letters of right-to-left scripts stay
        assert_eq!(plain("מדף"), "מדף");
    }

    #[test]
    fn slack_sees_no_commands() {
        assert_eq!(slack("<!channel> & <http://x|y>"), "&lt;!channel&gt; &amp; &lt;http://x|y&gt;");
        assert_eq!(slack(&"x".repeat(400)).chars().count(), SLACK_CHARS_MAX);
    }

    #[test]
    fn what_is_too_long_is_cut_at_a_character() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("abcd", 3), "ab…");
        assert_eq!(cut("äöüß", 3), "äö…");
    }
}
