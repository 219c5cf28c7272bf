//! The digest as a Slack message. A webhook carries no files, so bars of text stand for the charts.

use super::DigestContent;
use crate::format::counted;
use crate::slack::{Blocks, bar, link};
use crate::text;

pub(super) fn render(content: &DigestContent) -> Result<String, serde_json::Error> {
    let style = content.style();
    let url = &content.console_url;
    let mut blocks = Blocks::new(&content.headline());
    blocks.context(&[format!("{} · {}", text::slack(&content.org), style.day(content.day))]);
    if let Some(sentence) = content.occasion_sentence() {
        blocks.context(&[sentence]);
    }

    if !content.trust.needs_person.is_empty() {
        let mut lines = vec!["*A person is needed*".to_owned()];
        lines
            .extend(content.trust.needs_person.iter().map(|sentence| format!("• {}", text::slack(sentence))));
        blocks.section(&lines);
    }
    if content.decide.count > 0 && content.observes() {
        blocks.context(&[super::OBSERVE_NOTE.to_owned()]);
    }
    for decision in &content.decide.shown {
        let mut lines = vec![format!(
            "*{}* · {} · wanted by {}",
            text::slack(&decision.supplier),
            style.money(decision.total),
            style.day(decision.wanted_on)
        )];
        lines.extend(decision.problem_sentence().map(|problem| text::slack(&problem)));
        for line in &decision.lines {
            lines.push(format!(
                "{} {}: *order {}*",
                text::slack(&line.code),
                text::slack(&line.name),
                text::slack(&line.order(&style))
            ));
            let lasting = line.lasting(&style).map(|lasting| format!("; {lasting}")).unwrap_or_default();
            let bar = line.available.map(|available| bar(available, line.reorder_point)).unwrap_or_default();
            lines.push(format!("{bar} {}{lasting}", line.stock(&style)));
            lines.extend(line.figures.map(|figures| figures.sentence(&style)));
        }
        if let Some(line) = decision.lines.first() {
            lines.push(format!("Why: {}", text::slack(&line.reason)));
        }
        if decision.more() > 0 {
            lines.push(format!("and {}", counted(decision.more(), "more line", "more lines")));
        }
        blocks.section(&lines);
        blocks.section(&[link(&format!("{url}{}", decision.path()), "Review and decide")]);
    }
    if content.decide.more() > 0 {
        blocks.section(&[link(&format!("{url}/proposals"), &content.decide.more_words())]);
    }
    blocks.divider();
    if content.changed.count > 0 {
        let mut lines = vec!["*Changed since yesterday*".to_owned()];
        lines.extend(content.changed.shown.iter().map(|change| {
            format!(
                "{}: {} {}: {}",
                change.word(),
                text::slack(&change.code),
                text::slack(&change.name),
                change.sentence(&style)
            )
        }));
        if content.changed.more() > 0 {
            lines.push(format!("and {} more", content.changed.more()));
        }
        blocks.section(&lines);
    }
    let watching = content.watching.entries();
    if !watching.is_empty() {
        let entries: Vec<String> = watching
            .iter()
            .map(|(count, words, path)| link(&format!("{url}{path}"), &format!("{count} {words}")))
            .collect();
        blocks.section(&["*Watching*".to_owned(), entries.join(" · ")]);
    }
    let not_counted = content.not_counted.sentences();
    if !not_counted.is_empty() {
        blocks.section(&[vec!["*Not counted*".to_owned()], not_counted].concat());
    }
    if !content.written.is_empty() {
        let mut lines = vec!["*Written to Xero*".to_owned()];
        lines.extend(
            content.written_shown().iter().map(|order| text::slack(&content.written_sentence(order))),
        );
        blocks.section(&lines);
    }
    let mut trust: Vec<String> =
        content.trust_sentences().iter().map(|sentence| text::slack(sentence)).collect();
    trust.push(format!("Audit: {}.", content.audit_line()));
    trust.push(link(&format!("{url}/digests/{}", content.day), "The whole digest"));
    blocks.context(&trust);
    blocks.json()
}
