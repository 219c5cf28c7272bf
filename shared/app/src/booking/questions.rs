//! What booking a document asks a person.

use std::collections::BTreeSet;

use parstock_domain::document::DocumentKind;
use parstock_domain::ids::{ItemId, LineId, derived};
use parstock_domain::ledger::DesiredLine;
use uuid::Uuid;

use super::rows::Loaded;
use super::step::Step;
use crate::load::{removal, unguarded};
use crate::ports::{Ports, Write};
use crate::records::{CODES_OF_REVIEW_MAX, Key, Review, ReviewKind};
use crate::writer::Writer;

/// Item codes that a review names; it says how many more there are.
const CODES_NAMED_MAX: usize = 20;

impl Step<'_> {
    pub(super) fn review<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        kind: ReviewKind,
        what: &str,
        item: Option<ItemId>,
        text: String,
    ) -> Write {
        let since = writer.now();
        let document = Some(self.document.of);
        let review = Review { kind, since, item, document, text, codes: BTreeSet::new() };
        unguarded(Key::Review(self.review_id(kind, what)), review)
    }

    pub(super) fn review_id(&self, kind: ReviewKind, what: &str) -> Uuid {
        derived("review", &[kind.code(), &self.document.of.id.to_string(), what])
    }

    /// The one question about all item codes that nobody knows; it ends with the booking that knows all.
    pub(super) fn review_unknown<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        loaded: &Loaded,
        codes: &[String],
    ) -> Option<Write> {
        let codes: BTreeSet<&str> = codes.iter().map(String::as_str).collect();
        if codes.is_empty() {
            let asked = loaded.header.as_ref().is_some_and(|header| header.content.unresolved);
            let id = self.review_id(ReviewKind::UnknownItem, "");
            return asked.then(|| removal(Key::Review(id)));
        }
        let text = format!(
            "{} {} names item codes that Xero doesn't list: {}. Their quantity is not counted: make the items, or correct the lines. The document is looked at again then.",
            self.document.of.kind.words(),
            self.document.number,
            listed(&codes),
        );
        let review = Review {
            kind: ReviewKind::UnknownItem,
            since: writer.now(),
            item: None,
            document: Some(self.document.of),
            text,
            codes: codes.iter().take(CODES_OF_REVIEW_MAX).map(|code| (*code).to_owned()).collect(),
        };
        Some(unguarded(Key::Review(self.review_id(ReviewKind::UnknownItem, "")), review))
    }

    /// The question about goods on money in advance; it ends when no line of it moves goods any more.
    pub(super) fn review_in_advance<P: Ports>(
        &self,
        writer: &Writer<'_, P>,
        loaded: &Loaded,
        wanted: &[DesiredLine],
    ) -> Option<Write> {
        const KIND: ReviewKind = ReviewKind::GoodsInAdvance;
        if !self.document.in_advance {
            return None;
        }
        let moved: BTreeSet<LineId> =
            wanted.iter().filter(|line| !line.change.is_zero()).map(|line| line.line).collect();
        if moved.is_empty() {
            let moved_before = loaded.booked().iter().any(|line| !line.change.is_zero());
            return moved_before.then(|| removal(Key::Review(self.review_id(KIND, ""))));
        }
        let lines = self.document.lines.iter().filter(|line| moved.contains(&line.id));
        let codes: BTreeSet<&str> =
            lines.filter_map(|line| line.item.as_ref()).map(|item| item.code.as_str()).collect();
        let (paid, paper) = match self.document.of.kind {
            DocumentKind::SpendMoney => ("spent", "bill"),
            _ => ("received", "invoice"),
        };
        let reference = match self.document.reference.as_str() {
            "" => String::new(),
            reference => format!(", reference {reference}"),
        };
        let text = format!(
            "Money {paid} in advance on {}{reference}, moves goods: {}. If the {paper} names them again, they move twice: take the items off the payment, which ends this question, or off the {paper}.",
            self.document.date,
            listed(&codes),
        );
        Some(self.review(writer, KIND, "", None, text))
    }
}

/// Item codes, as many as a review names.
fn listed(codes: &BTreeSet<&str>) -> String {
    let named: Vec<String> = codes.iter().take(CODES_NAMED_MAX).map(|code| format!("`{code}`")).collect();
    let more = match codes.len().saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{more}", named.join(", "))
}
