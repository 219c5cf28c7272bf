//! The digest as plain text.

use super::DigestContent;
use crate::text::plain;

/// Lines of text, outside texts kept on their line.
pub(super) fn render(content: &DigestContent) -> String {
    let style = content.style();
    let url = &content.console_url;
    let mut out = Lines::default();
    out.line(&content.headline());
    out.line(&format!("{}, {}", content.org, style.day(content.day)));
    if let Some(sentence) = content.occasion_sentence() {
        out.line(&sentence);
    }

    if !content.trust.needs_person.is_empty() {
        out.heading("A person is needed");
        for sentence in &content.trust.needs_person {
            out.line(&format!("- {sentence}"));
        }
    }
    if content.decide.count > 0 {
        out.heading("Decide now");
        if content.observes() {
            out.line(super::OBSERVE_NOTE);
        }
        for (index, decision) in content.decide.shown.iter().enumerate() {
            out.gap();
            out.line(&format!(
                "{}. {} - {} - wanted by {}",
                index + 1,
                decision.supplier,
                style.money(decision.total),
                style.day(decision.wanted_on)
            ));
            if let Some(problem) = decision.problem_sentence() {
                out.line(&format!("   {problem}"));
            }
            for line in &decision.lines {
                let lasting = line.lasting(&style).map(|lasting| format!("; {lasting}")).unwrap_or_default();
                out.line(&format!("   {} {}", line.code, line.name));
                out.line(&format!("     Order {}", line.order(&style)));
                out.line(&format!("     {}{lasting}", line.stock(&style)));
                if let Some(figures) = &line.figures {
                    out.line(&format!("     {}", figures.sentence(&style)));
                }
                out.line(&format!("     Why: {}", line.reason));
            }
            if decision.more() > 0 {
                out.line(&format!(
                    "   and {}",
                    crate::format::counted(decision.more(), "more line", "more lines")
                ));
            }
            out.line(&format!("   {url}{}", decision.path()));
        }
        if content.decide.more() > 0 {
            out.gap();
            out.line(&format!("{}: {url}/proposals", content.decide.more_words()));
        }
    }
    if content.changed.count > 0 {
        out.heading("Changed since yesterday");
        for change in &content.changed.shown {
            out.line(&format!(
                "{}: {} {}: {}",
                change.word(),
                change.code,
                change.name,
                change.sentence(&style)
            ));
        }
        if content.changed.more() > 0 {
            out.line(&format!("and {} more", content.changed.more()));
        }
    }
    let watching = content.watching.entries();
    if !watching.is_empty() {
        out.heading("Watching");
        for (count, words, path) in watching {
            out.line(&format!("{count} {words}: {url}{path}"));
        }
    }
    let not_counted = content.not_counted.sentences();
    if !not_counted.is_empty() {
        out.heading("Not counted");
        for sentence in not_counted {
            out.line(&sentence);
        }
    }
    if !content.written.is_empty() {
        out.heading("Written to Xero");
        for order in content.written_shown() {
            out.line(&content.written_sentence(order));
        }
    }
    out.heading("Trust");
    for sentence in content.trust_sentences() {
        out.line(&sentence);
    }
    out.line(&format!("Audit: {}.", content.audit_line()));
    out.gap();
    out.line(&format!("Console: {url}/digests/{}", content.day));
    out.text
}

#[derive(Default)]
struct Lines {
    text: String,
}

impl Lines {
    fn line(&mut self, line: &str) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        self.text.push_str(&" ".repeat(indent));
        self.text.push_str(&plain(line));
        self.text.push('\n');
    }

    fn gap(&mut self) {
        self.text.push('\n');
    }

    fn heading(&mut self, heading: &str) {
        self.gap();
        self.line(&heading.to_uppercase());
    }
}
