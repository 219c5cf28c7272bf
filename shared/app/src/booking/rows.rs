//! A document's rows: its header with the first booked lines, and rows of further ones.

use parstock_domain::document::DocumentRef;
use parstock_domain::ids::LineId;
use parstock_domain::ledger::{BookedLine, LineChange};

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Expect, Ports, Write};
use crate::records::{DocumentRecord, Key, List, MoreLines};
use crate::writer::Writer;

/// Booked lines that the document's own row holds.
const LINES_IN_DOCUMENT: usize = 20;

/// Booked lines that each further row holds.
const LINES_IN_ROW: usize = 40;

/// A document's rows as they are stored.
pub(super) struct Loaded {
    pub(super) header: Option<Versioned<DocumentRecord>>,
    /// The header's lines first, then those of the further rows.
    pub(super) rows: Vec<LineRow>,
}

/// A row with booked lines.
pub(super) struct LineRow {
    pub(super) lines: Vec<BookedLine>,
    pub(super) expect: Expect,
    pub(super) changed: bool,
}

impl Loaded {
    pub(super) async fn read<P: Ports>(writer: &Writer<'_, P>, of: DocumentRef) -> Result<Self, AppError> {
        let store = writer.ports().store();
        let header: Option<Versioned<DocumentRecord>> =
            load::one(store, writer.owner(), Key::Document(of)).await?;
        let mut rows = vec![LineRow {
            lines: header.as_ref().map(|header| header.content.lines.clone()).unwrap_or_default(),
            expect: Expect::Anything,
            changed: false,
        }];
        if header.as_ref().is_some_and(|header| header.content.more > 0) {
            let list = List::DocumentLines(of);
            for (_, row) in load::all::<MoreLines>(store, writer.org(), &list).await? {
                rows.push(LineRow { lines: row.content.lines, expect: row.expect, changed: false });
            }
        }
        Ok(Self { header, rows })
    }

    pub(super) fn booked(&self) -> Vec<BookedLine> {
        self.rows.iter().flat_map(|row| row.lines.iter().cloned()).collect()
    }

    pub(super) fn line(&self, line: LineId) -> Option<&BookedLine> {
        self.rows.iter().flat_map(|row| &row.lines).find(|standing| standing.line == line)
    }

    /// A change as it is after what this commit has booked of the line already.
    pub(super) fn renewed(&self, change: &LineChange) -> LineChange {
        LineChange { before: self.line(change.line).cloned(), ..change.clone() }
    }

    /// The writes of rows of further lines that changed.
    pub(super) fn further_rows(&self, of: DocumentRef) -> impl Iterator<Item = Write> {
        let changed = (0u32..).zip(self.rows.iter().skip(1)).filter(|(_, row)| row.changed);
        changed.map(move |(index, row)| {
            let content = MoreLines { lines: row.lines.clone() };
            Versioned { content, expect: row.expect }.write(Key::DocumentLines(of, index))
        })
    }

    /// The writes of lines that changed of a document that did not.
    pub(super) fn changed_rows(&self, of: DocumentRef) -> impl Iterator<Item = Write> {
        let header = self.header.clone().zip(self.rows.first()).filter(|(_, row)| row.changed);
        let header = header.map(|(header, row)| {
            let content = DocumentRecord { lines: row.lines.clone(), ..header.content };
            Versioned { content, expect: header.expect }.write(Key::Document(of))
        });
        header.into_iter().chain(self.further_rows(of))
    }

    pub(super) fn store(&mut self, line: BookedLine) {
        for row in &mut self.rows {
            if let Some(standing) = row.lines.iter_mut().find(|standing| standing.line == line.line) {
                *standing = line;
                row.changed = true;
                return;
            }
        }
        let room = |index: usize| if index == 0 { LINES_IN_DOCUMENT } else { LINES_IN_ROW };
        let last = self.rows.len().saturating_sub(1);
        match self.rows.last_mut() {
            Some(row) if row.lines.len() < room(last) => {
                row.lines.push(line);
                row.changed = true;
            }
            _ => self.rows.push(LineRow { lines: vec![line], expect: Expect::Absent, changed: true }),
        }
    }

    /// After a commit: the next one finds every row a version further.
    pub(super) fn written(&mut self) {
        let next = |expect: Expect| match expect {
            Expect::Version(version) => Expect::Version(version + 1),
            Expect::Absent | Expect::Anything => Expect::Version(1),
        };
        if let Some(header) = &mut self.header {
            header.expect = next(header.expect);
        }
        for row in self.rows.iter_mut().filter(|row| row.changed) {
            row.expect = next(row.expect);
            row.changed = false;
        }
    }
}
