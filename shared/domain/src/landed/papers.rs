//! The papers of a bill: what the files that are attached to it say of which goods it is freight of.
//!
//! Their text comes from anybody, so nothing of it is kept: only which of the known names it has in it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::document::{DocumentKind, DocumentRef};

/// Characters of a paper's name that are kept.
pub const PAPER_NAME_MAX: usize = 80;
/// Names that are kept of one paper, in the order of its text.
pub const NAMED_MAX: usize = 12;
/// Receipts that are kept of one name.
const RECEIPTS_OF_NAME_MAX: usize = 20;
/// Letters and digits that a name must have so that it is looked for: shorter ones stand in any text.
const TELLING_MIN: usize = 3;
/// The same for a number of digits alone, which could as well be an amount or a postcode.
const TELLING_DIGITS_MIN: usize = 6;

/// What is known of a bill's papers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum Papers {
    /// They are to be read.
    Due,
    /// They were read.
    Read {
        /// When.
        at: Timestamp,
        /// Each of them, in Xero's order.
        papers: Vec<Paper>,
    },
    /// They could not be had.
    Failed {
        /// Why, and what to do.
        why: String,
    },
}

/// A file that is attached to a bill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Its name, cut off where it is long.
    pub name: String,
    /// What it names; none where it could not be read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub names: Vec<Named>,
    /// How many names it has beyond those.
    #[serde(default, skip_serializing_if = "is_none")]
    pub more: usize,
    /// Why it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's skip_serializing_if passes a reference")]
const fn is_none(more: &usize) -> bool {
    *more == 0
}

/// A known name that stands in a paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Named {
    /// Of what.
    pub what: NameOf,
    /// The name, as parstock knows it.
    pub name: String,
    /// The purchases whose goods are meant.
    pub receipts: Vec<DocumentRef>,
}

/// What a name is the name of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NameOf {
    /// A purchase order, by its number.
    Order,
    /// A bill, by its number.
    Bill,
    /// A goods receipt, by its number.
    GoodsReceipt,
    /// An item, by its code.
    Item,
}

impl NameOf {
    /// What the number of a purchase is the name of.
    pub const fn purchase(kind: DocumentKind) -> Self {
        match kind {
            DocumentKind::GoodsReceipt => Self::GoodsReceipt,
            _ => Self::Bill,
        }
    }

    /// The word that people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Bill => "bill",
            Self::GoodsReceipt => "goods receipt",
            Self::Item => "item",
        }
    }
}

/// Names to look for, with the purchases whose goods each means.
pub type Known = BTreeMap<(NameOf, String), BTreeSet<DocumentRef>>;

impl Paper {
    /// What a text has in it of the names that are known, in the order of the text; codes of items only where no number is
    /// named, since many freight papers list goods that came before, too.
    pub fn read(name: &str, text: &str, known: &Known) -> Self {
        let text = Text::of(text);
        let mut found: Vec<(usize, &(NameOf, String), &BTreeSet<DocumentRef>)> = Vec::new();
        for (key, receipts) in known.iter().filter(|((_, name), _)| is_telling(name)) {
            found.extend(text.find(&key.1).map(|at| (at, key, receipts)));
        }
        if found.iter().any(|(_, (what, _), _)| *what != NameOf::Item) {
            found.retain(|(_, (what, _), _)| *what != NameOf::Item);
        }
        found.sort_by_key(|(at, key, _)| (*at, *key));
        let more = found.len().saturating_sub(NAMED_MAX);
        let names = found.into_iter().take(NAMED_MAX).map(|(_, (what, name), receipts)| Named {
            what: *what,
            name: name.clone(),
            receipts: receipts.iter().take(RECEIPTS_OF_NAME_MAX).copied().collect(),
        });
        Self { name: cut(name), names: names.collect(), more, unread: None }
    }

    /// One that could not be read, and why.
    pub fn unread(name: &str, why: &str) -> Self {
        Self { name: cut(name), names: Vec::new(), more: 0, unread: Some(why.to_owned()) }
    }

    /// What it says, for people: `freight.pdf names order PO-1234 and bill G-1877`.
    pub fn words(&self) -> String {
        if let Some(why) = &self.unread {
            return format!("{} {why}", self.name);
        }
        let names: Vec<String> =
            self.names.iter().map(|named| format!("{} {}", named.what.words(), named.name)).collect();
        match names.as_slice() {
            [] => format!("{} names none of the goods that came in then", self.name),
            all if self.more > 0 => {
                format!(
                    "{} names {} and {} more, too many to choose by",
                    self.name,
                    all.join(", "),
                    self.more
                )
            }
            [one] => format!("{} names {one}", self.name),
            [all @ .., last] => format!("{} names {} and {last}", self.name, all.join(", ")),
        }
    }
}

impl Papers {
    /// What they say, for people.
    pub fn words(&self) -> String {
        match self {
            Self::Due => "its papers are being read".to_owned(),
            Self::Failed { why } => format!("its papers could not be read: {why}"),
            Self::Read { papers, .. } if papers.is_empty() => "no paper is attached to it".to_owned(),
            Self::Read { papers, .. } => papers.iter().map(Paper::words).collect::<Vec<_>>().join("; "),
        }
    }

    /// The purchases whose goods they name, and which of their items: all where that is `None`.
    pub fn suggested(&self) -> BTreeMap<DocumentRef, Option<BTreeSet<String>>> {
        let mut suggested: BTreeMap<DocumentRef, Option<BTreeSet<String>>> = BTreeMap::new();
        let Self::Read { papers, .. } = self else { return suggested };
        // a part of what is meant would look like all of it
        if papers.iter().any(|paper| paper.more > 0) {
            return suggested;
        }
        let numbers_are_named =
            papers.iter().flat_map(|paper| &paper.names).any(|named| named.what != NameOf::Item);
        for named in papers.iter().flat_map(|paper| &paper.names) {
            for of in &named.receipts {
                if named.what != NameOf::Item {
                    suggested.insert(*of, None);
                } else if !numbers_are_named {
                    let items = suggested.entry(*of).or_insert_with(|| Some(BTreeSet::new()));
                    items.get_or_insert_default().insert(named.name.clone());
                }
            }
        }
        suggested
    }
}

/// A name as it is kept: short, and without what turns text around or speaks to a terminal.
fn cut(name: &str) -> String {
    let shown = |letter: char| match letter {
        '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' => '\u{fffd}',
        letter if letter.is_control() => '\u{fffd}',
        letter => letter,
    };
    name.chars().take(PAPER_NAME_MAX).map(shown).collect()
}

/// Whether a name tells anything where it stands in a text.
fn is_telling(name: &str) -> bool {
    let (digits, letters) = name.chars().fold((0usize, 0usize), |(digits, letters), letter| {
        (
            digits.saturating_add(usize::from(letter.is_numeric())),
            letters.saturating_add(usize::from(letter.is_alphabetic())),
        )
    });
    let enough = if letters == 0 { TELLING_DIGITS_MIN } else { TELLING_MIN };
    digits > 0 && digits.saturating_add(letters) >= enough
}

/// A text, so that names are found in it however it is set: without regard to case, with one dash for all of them, and one space
/// for any stretch of white space.
struct Text {
    letters: Vec<char>,
    /// Where words begin, by their first letter.
    beginnings: BTreeMap<char, Vec<usize>>,
}

impl Text {
    fn of(text: &str) -> Self {
        let letters = plain(text);
        let mut beginnings: BTreeMap<char, Vec<usize>> = BTreeMap::new();
        for (at, letter) in letters.iter().enumerate() {
            let before = letters.get(..at).unwrap_or_default();
            if !goes_on(*letter, before.iter().rev()) {
                beginnings.entry(*letter).or_default().push(at);
            }
        }
        Self { letters, beginnings }
    }

    /// Where a name stands first, as a word of its own.
    fn find(&self, name: &str) -> Option<usize> {
        let name = closed(&plain(name.trim()));
        let beginnings = self.beginnings.get(name.first()?)?;
        beginnings.iter().copied().find(|at| self.stands_at(*at, &name))
    }

    /// Whether a name stands at a place. A space may stand beside what is neither letter nor digit, where lines are broken.
    fn stands_at(&self, mut at: usize, name: &[char]) -> bool {
        let mut before: Option<char> = None;
        for wanted in name.iter().copied() {
            let may_break = |before: char| !before.is_alphanumeric() || !wanted.is_alphanumeric();
            if wanted != ' ' && self.letters.get(at) == Some(&' ') && before.is_some_and(may_break) {
                at = at.saturating_add(1);
            }
            if self.letters.get(at) != Some(&wanted) {
                return false;
            }
            before = Some(wanted);
            at = at.saturating_add(1);
        }
        let after = self.letters.get(at..).unwrap_or_default();
        before.is_some_and(|last| !goes_on(last, after.iter()))
    }
}

/// Whether a word goes on beyond its end `last` with what is beside it: with a letter or digit at once, or behind a sign that ties
/// both together.
fn goes_on<'a>(last: char, mut beside: impl Iterator<Item = &'a char>) -> bool {
    if !last.is_alphanumeric() {
        return false;
    }
    match beside.next() {
        Some(next) if next.is_alphanumeric() => true,
        Some('-' | '_' | '.') => beside.next().is_some_and(|next| next.is_alphanumeric()),
        // 12,345 is one number, and 12/05/2026 a day
        Some(',' | '/') => last.is_numeric() && beside.next().is_some_and(|next| next.is_numeric()),
        _ => false,
    }
}

/// A name without the spaces that may as well be left out: those beside what is neither letter nor digit.
fn closed(name: &[char]) -> Vec<char> {
    let is_open = |at: usize| {
        let sides = [at.checked_sub(1), at.checked_add(1)].map(|side| name.get(side?));
        !sides.into_iter().flatten().any(|side| !side.is_alphanumeric())
    };
    let letters = name.iter().enumerate();
    letters.filter(|(at, letter)| **letter != ' ' || is_open(*at)).map(|(_, letter)| *letter).collect()
}

/// A text in small letters, with plain dashes and single spaces.
fn plain(text: &str) -> Vec<char> {
    let mut letters: Vec<char> = Vec::new();
    for letter in text.chars() {
        match letter {
            // soft hyphen, zero-width spaces and joiners, byte order mark
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
            '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' | '\u{ff0d}' => letters.push('-'),
            letter if letter.is_whitespace() || letter.is_control() => {
                if letters.last() != Some(&' ') {
                    letters.push(' ');
                }
            }
            letter => letters.extend(letter.to_lowercase()),
        }
    }
    letters
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::ids::DocumentId;

    fn of(id: u128) -> DocumentRef {
        DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(id)) }
    }

    fn known(names: &[(NameOf, &str, u128)]) -> Known {
        let mut known = Known::new();
        for (what, name, id) in names {
            known.entry((*what, (*name).to_owned())).or_default().insert(of(*id));
        }
        known
    }

    fn stands(name: &str, text: &str) -> bool {
        !Paper::read("a.pdf", text, &known(&[(NameOf::Order, name, 1)])).names.is_empty()
    }

    #[test]
    fn a_name_is_found_however_it_is_set() {
        for text in [
            "PO-1234",
            "Order: po-1234, two pallets",
            "(PO-1234)",
            "Ref PO-1234/G-1877",
            "PO-1234,PO-1235",
            "PO\u{2011}1234.",
            "PO\u{2013}\n 1234",
            "PO -\r\n1234 and more",
            "PO-12\u{ad}34",
            "#PO-1234;",
        ] {
            assert!(stands("PO-1234", text), "{text:?}");
        }
        assert!(stands("ACME ORDER - 12", "acme order-\n12") && !stands("ACME ORDER-12", "acmeorder-12"));
        assert!(stands("INV 2026/451", "your inv  2026 /\n451"));
        assert!(stands("GR-2026-06-01-001", "GR-2026-06-\n01-001"));
        assert!(stands("102547", "invoice 102547 of May") && stands("ÄB 77", "äb 77"));
    }

    #[test]
    fn a_part_of_another_word_is_no_name() {
        for text in [
            "",
            "PO-12345",
            "XPO-1234",
            "PO-123 4",
            "PO-1234-2",
            "PO-1234.5",
            "REPO-1234",
            "A-PO-1234",
            "PO1234",
            "P O-1234",
            "PO-1234_a",
            "PO-12 34",
        ] {
            assert!(!stands("PO-1234", text), "{text:?}");
        }
        for text in ["1102547", "102547.50", "102,547", "102547,50", "1.102547", "3,102547", "84145"] {
            assert!(!stands("102547", text), "{text:?}");
        }
    }

    #[test]
    fn what_stands_in_any_text_is_not_looked_for() {
        assert!(stands("05/2026", "no. 05/2026 of May") && !stands("05/2026", "on 12/05/2026"), "a day");
        for name in ["", " ", "1877", "84145", "BOX", "G-1", "--", "12/26", "invoice"] {
            assert!(!stands(name, &format!("of {name} and {name}.")), "{name:?}");
        }
        assert!(stands("G-18", "G-18") && stands("BOX2", "box2"));
    }

    #[test]
    fn numbers_say_more_than_codes_of_items() {
        let known = known(&[
            (NameOf::Order, "PO-1234", 1),
            (NameOf::Bill, "G-1877", 2),
            (NameOf::Item, "CUP-12", 2),
            (NameOf::Item, "CUP-12", 3),
        ]);
        let both = Paper::read("freight.pdf", "CUP-12 of G-1877, ordered by PO-1234", &known);
        assert_eq!(both.words(), "freight.pdf names bill G-1877 and order PO-1234");
        let items = Paper::read("list.pdf", "2 x CUP-12", &known);
        assert_eq!(items.words(), "list.pdf names item CUP-12");
        let read = |papers| Papers::Read { at: Timestamp::UNIX_EPOCH, papers };
        let cups = Some(BTreeSet::from(["CUP-12".to_owned()]));
        assert_eq!(
            read(vec![items.clone()]).suggested(),
            BTreeMap::from([(of(2), cups.clone()), (of(3), cups)])
        );
        assert_eq!(
            read(vec![items, both]).suggested(),
            BTreeMap::from([(of(1), None), (of(2), None)]),
            "the papers together"
        );
    }

    #[test]
    fn what_papers_say_is_said_in_words() {
        let read = |papers| Papers::Read { at: Timestamp::UNIX_EPOCH, papers };
        let nothing = Paper::read("a.pdf", "thank you", &Known::new());
        let scan = Paper::unread(&"x".repeat(500), "has no text that can be read");
        assert_eq!(scan.name.len(), PAPER_NAME_MAX);
        let words = read(vec![nothing, scan]).words();
        assert!(words.starts_with("a.pdf names none of the goods that came in then; xx"), "{words}");
        assert!(words.ends_with("x has no text that can be read"), "{words}");
        assert_eq!(read(vec![]).words(), "no paper is attached to it");
        assert_eq!(Papers::Due.suggested(), BTreeMap::new());
        let tricky = Paper::unread("\u{1b}[2Ja\u{202e}fdp.exe", "is no PDF");
        assert_eq!(tricky.name, "\u{fffd}[2Ja\u{fffd}fdp.exe");
        let many: Known =
            (0..50).map(|n| ((NameOf::Order, format!("PO-{n:04}")), (0..50).map(of).collect())).collect();
        let text: String = (0..50).map(|n| format!("PO-{n:04} ")).collect();
        let kept = Paper::read("a.pdf", &text, &many);
        assert_eq!((kept.names.len(), kept.names[0].receipts.len()), (NAMED_MAX, RECEIPTS_OF_NAME_MAX));
    }

    proptest! {
        #[test]
        fn a_name_is_found_in_any_text_that_has_it_as_a_word(
            name in "[A-Z]{1,4}-[0-9]{3,8}", before in "\\PC{0,40}", after in "\\PC{0,40}",
        ) {
            let text = format!("{before} \n{name}\t {after}");
            prop_assert!(stands(&name, &text), "{}", text);
        }

        #[test]
        fn a_longer_name_is_not_taken_for_a_shorter_one(
            name in "[A-Z]{1,4}-[0-9]{3,8}", more in "[A-Z0-9]{1,3}",
        ) {
            let text = format!("for {name}{more} and {more}{name}");
            prop_assert!(!stands(&name, &text), "{}", text);
        }

        #[test]
        fn no_text_is_too_much(text in "\\PC{0,300}", name in "\\PC{0,20}") {
            let paper = Paper::read(&name, &text, &known(&[(NameOf::Item, &name, 1)]));
            prop_assert!(paper.name.chars().count() <= PAPER_NAME_MAX && paper.names.len() <= 1);
        }
    }
}
