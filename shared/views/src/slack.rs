//! Slack messages as blocks, kept within Slack's limits.

use serde::Serialize;

use crate::text;

/// Blocks of a message at most (Slack's reference of blocks).
pub(crate) const BLOCKS_MAX: usize = 50;
/// Characters of a section's text at most.
pub(crate) const SECTION_CHARS_MAX: usize = 3000;
/// Characters of a header's text at most.
pub(crate) const HEADER_CHARS_MAX: usize = 150;

/// A message for an incoming webhook. Written field by field, so that the same content gives the same text.
#[derive(Debug, Serialize)]
pub(crate) struct Blocks {
    /// What notifications show.
    text: String,
    blocks: Vec<Block>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Block {
    Header { text: Text },
    Section { text: Text },
    Context { elements: Vec<Text> },
    Divider,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Text {
    PlainText {
        text: String,
        emoji: bool,
    },
    /// `verbatim` keeps Slack from making links and mentions of its own.
    Mrkdwn {
        text: String,
        verbatim: bool,
    },
}

impl Blocks {
    /// A message with a header. `headline` is text, not mrkdwn.
    pub(crate) fn new(headline: &str) -> Self {
        let header = text::cut(&text::plain(headline), HEADER_CHARS_MAX);
        Self {
            text: text::slack(headline),
            blocks: vec![Block::Header { text: Text::PlainText { text: header, emoji: false } }],
        }
    }

    /// A paragraph of escaped mrkdwn lines.
    pub(crate) fn section(&mut self, lines: &[String]) {
        self.push(Block::Section { text: mrkdwn(lines) });
    }

    /// Small grey lines of escaped mrkdwn.
    pub(crate) fn context(&mut self, lines: &[String]) {
        self.push(Block::Context { elements: vec![mrkdwn(lines)] });
    }

    pub(crate) fn divider(&mut self) {
        self.push(Block::Divider);
    }

    fn push(&mut self, block: Block) {
        if self.blocks.len() < BLOCKS_MAX {
            self.blocks.push(block);
        }
    }

    pub(crate) fn json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

/// The lines as one text; one that doesn't fit is left out whole, since a cut might split an escape.
fn mrkdwn(lines: &[String]) -> Text {
    let mut joined = String::new();
    for line in lines {
        if joined.chars().count() + line.chars().count() < SECTION_CHARS_MAX {
            if !joined.is_empty() {
                joined.push('\n');
            }
            joined.push_str(line);
        }
    }
    Text::Mrkdwn { text: joined, verbatim: true }
}

/// A link. `address` is ours; `label` may come from outside.
pub(crate) fn link(address: &str, label: &str) -> String {
    format!("<{}|{}>", text::slack(address).replace('|', "%7C"), text::slack(label).replace('|', "/"))
}

/// Characters of a text bar.
const BAR_CHARS: i64 = 10;

/// `available` against a mark such as the reorder point, as a bar: full means twice the mark.
pub(crate) fn bar(
    available: parstock_domain::fixed::Quantity,
    mark: parstock_domain::fixed::Quantity,
) -> String {
    let filled = if mark.e4() > 0 && available.e4() > 0 {
        let tenths = i128::from(available.e4()) * i128::from(BAR_CHARS) / (i128::from(mark.e4()) * 2);
        usize::try_from(tenths.clamp(0, i128::from(BAR_CHARS))).unwrap_or(0)
    } else {
        0
    };
    let chars = usize::try_from(BAR_CHARS).unwrap_or(0);
    format!("{}{}", "█".repeat(filled), "░".repeat(chars - filled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slacks_limits_hold() {
        let mut blocks = Blocks::new(&"h".repeat(400));
        let lines: Vec<String> = (0..100).map(|n| format!("{n} {}", "x".repeat(200))).collect();
        for _ in 0..100 {
            blocks.section(&lines);
        }
        assert_eq!(blocks.blocks.len(), BLOCKS_MAX);
        for block in &blocks.blocks {
            match block {
                Block::Header { text: Text::PlainText { text, .. } } => {
                    assert_eq!(text.chars().count(), HEADER_CHARS_MAX)
                }
                Block::Section { text: Text::Mrkdwn { text, .. } } => {
                    assert!(text.chars().count() <= SECTION_CHARS_MAX)
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn bars_show_twice_the_mark_as_full() {
        let q = |text: &str| text.parse().unwrap();
        assert_eq!(bar(q("10"), q("10")), "█████░░░░░");
        assert_eq!(bar(q("-3"), q("10")), "░░░░░░░░░░");
        assert_eq!(bar(q("99"), q("10")), "██████████");
        assert_eq!(bar(q("5"), q("0")), "░░░░░░░░░░");
    }
}
