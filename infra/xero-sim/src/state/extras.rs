//! What stands beside the documents: journals, payments, advances, allocations, files, tracking.

use jiff::civil::Date;
use uuid::Uuid;

use crate::act::{E4, JournalLine, JournalStatus, NewJournal, Status, TrackingCategory, TrackingChoice};
use crate::error::XeroError;
use crate::state::documents::happening;
use crate::state::masters::INVENTORY;
use crate::state::{Books, Document, DocumentList, Happening, Row, rules};

/// Tracking options of one line (Xero-OpenAPI, LineItem).
const TRACKING_PER_LINE: usize = 2;
/// Tracking categories in use (help.xero.com, Set up tracking categories).
const TRACKING_CATEGORIES: usize = 2;
/// Files beside one document (developer.xero.com, Attachments).
const ATTACHMENTS_PER_DOCUMENT: usize = 10;

/// Xero's words where an allocation asks for more than is left (waynerobinson/xeroizer#320).
const TOO_MUCH: &str = "Credit Note cannot be allocated as amount is greater than amount outstanding";
const PAID_OFF: &str = "The invoice you are trying to allocate to has already been paid off";

/// A manual journal as stored.
#[derive(Clone, Debug)]
pub(crate) struct Journal {
    pub(crate) narration: String,
    pub(crate) date: Date,
    pub(crate) status: JournalStatus,
    pub(crate) lines: Vec<JournalLine>,
    pub(crate) url: Option<String>,
}

/// A payment as stored.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    /// Place of the document that it pays.
    pub(crate) document: u32,
    pub(crate) date: Date,
    pub(crate) amount: E4,
    /// Whether it was taken back.
    pub(crate) is_deleted: bool,
}

/// A part of a credit note that is set against an invoice.
#[derive(Clone, Debug)]
pub(crate) struct Allocation {
    pub(crate) id: Uuid,
    pub(crate) credit: Uuid,
    pub(crate) invoice: Uuid,
    pub(crate) amount: E4,
    pub(crate) date: Date,
}

/// A file beside a document.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: Uuid,
    pub(crate) file_name: String,
    pub(crate) mime_type: String,
    pub(crate) length: usize,
    /// In base64.
    pub(crate) content: String,
}

impl Books {
    pub(super) fn touch(&mut self, at: i64, documents: &[Uuid]) -> Vec<Happening> {
        documents.iter().filter_map(|id| self.move_to_end(at, *id, |_| {})).collect()
    }

    /// Changes a document in place and moves it to the end of its list.
    fn move_to_end(&mut self, at: i64, id: Uuid, change: impl FnOnce(&mut Document)) -> Option<Happening> {
        let index = *self.document_by_id.get(&id)?;
        let document = self.documents.get_mut(index as usize)?;
        let list = self.changed.entry(DocumentList::of(document.kind)).or_default();
        list.remove(&(document.updated, id, index));
        change(document);
        document.updated = at;
        list.insert((at, id, index));
        Some(happening(document, false, false))
    }

    pub(super) fn check_tracking(&self, choices: &[TrackingChoice]) -> Result<(), XeroError> {
        if choices.len() > TRACKING_PER_LINE {
            return Err(XeroError::refused("A line can have at most 2 tracking categories"));
        }
        for choice in choices {
            let category = self.tracking.iter().find(|row| row.value.name == choice.category);
            if !category.is_some_and(|row| row.value.options.contains(&choice.option)) {
                return Err(XeroError::refused(format!(
                    "The tracking option '{}' of '{}' could not be found",
                    choice.option, choice.category
                )));
            }
        }
        Ok(())
    }

    pub(super) fn upsert_tracking(
        &mut self,
        at: i64,
        category: &TrackingCategory,
    ) -> Result<Vec<Happening>, XeroError> {
        if let Some(row) = self.tracking.iter_mut().find(|row| row.value.name == category.name) {
            row.value = category.clone();
            row.updated = at;
            return Ok(Vec::new());
        }
        if self.tracking.len() >= TRACKING_CATEGORIES {
            return Err(XeroError::refused("An organisation can have at most 2 active tracking categories"));
        }
        let id = self.ids.id(&format!("tracking/{}", category.name));
        self.tracking.push(Row { id, updated: at, value: category.clone() });
        Ok(Vec::new())
    }

    pub(super) fn create_journal(&mut self, at: i64, new: &NewJournal) -> Result<Vec<Happening>, XeroError> {
        if !matches!(new.status, JournalStatus::Draft | JournalStatus::Posted) {
            return Err(XeroError::refused("Status is not valid for a new manual journal"));
        }
        self.check_journal(&new.narration, new.date, new.status, &new.lines)?;
        let id = self.ids.id(&format!("journal/{}", self.journals.len()));
        let value = Journal {
            narration: new.narration.clone(),
            date: new.date,
            status: new.status,
            lines: new.lines.clone(),
            url: new.url.clone(),
        };
        self.journals.push(Row { id, updated: at, value });
        Ok(Vec::new())
    }

    pub(super) fn edit_journal(
        &mut self,
        at: i64,
        id: Uuid,
        narration: Option<&str>,
        status: Option<JournalStatus>,
        lines: Option<&[JournalLine]>,
    ) -> Result<Vec<Happening>, XeroError> {
        use JournalStatus::{Deleted, Draft, Posted, Voided};
        let missing = || XeroError::refused("The manual journal could not be found");
        let present = self.journals.iter().find(|row| row.id == id).ok_or_else(missing)?;
        let mut journal = present.value.clone();
        let next = status.unwrap_or(journal.status);
        if !matches!((journal.status, next), (Draft, Draft | Posted | Deleted) | (Posted, Posted | Voided)) {
            return Err(XeroError::refused("Manual journal not of valid status for modification"));
        }
        if journal.status == Posted {
            self.check_journal(&journal.narration, journal.date, Posted, &journal.lines)?;
        }
        journal.status = next;
        if let Some(narration) = narration {
            narration.clone_into(&mut journal.narration);
        }
        if let Some(lines) = lines {
            journal.lines = lines.to_vec();
        }
        if matches!(next, Draft | Posted) {
            self.check_journal(&journal.narration, journal.date, next, &journal.lines)?;
        }
        if let Some(row) = self.journals.iter_mut().find(|row| row.id == id) {
            row.value = journal;
            row.updated = at;
        }
        Ok(Vec::new())
    }

    fn check_journal(
        &self,
        narration: &str,
        date: Date,
        status: JournalStatus,
        lines: &[JournalLine],
    ) -> Result<(), XeroError> {
        if narration.trim().is_empty() {
            return Err(XeroError::refused("Narration must be supplied"));
        }
        if lines.len() < 2 {
            return Err(XeroError::refused("A manual journal must have at least 2 journal lines"));
        }
        for line in lines {
            self.check_tracking(&line.tracking)?;
            let code = &line.account_code;
            let index = self.account_by_code.get(code).copied();
            let Some(account) = self.account(index) else {
                return Err(XeroError::refused(format!(
                    "Account code '{code}' is not a valid code for this document."
                )));
            };
            if account.account_type == INVENTORY {
                return Err(XeroError::refused(
                    "You cannot save this transaction using an inventory account type",
                ));
            }
            let system = account.system_account.as_deref().unwrap_or_default();
            if account.account_type == "BANK"
                || ["DEBTORS", "CREDITORS", "RETAINEDEARNINGS"].contains(&system)
            {
                return Err(XeroError::refused(format!(
                    "Account code '{code}' is not a valid code for this document."
                )));
            }
        }
        let debits: E4 = lines.iter().map(|line| line.amount).filter(|amount| *amount > E4::ZERO).sum();
        let credits: E4 = lines.iter().map(|line| line.amount).filter(|amount| *amount < E4::ZERO).sum();
        if debits + credits != E4::ZERO {
            return Err(XeroError::refused(format!(
                "The total debits ({}) must equal total credits ({})",
                debits.to_money(),
                credits.to_money()
            )));
        }
        match &self.organisation {
            Some(row) if status == JournalStatus::Posted => rules::check_lock(&row.value, date),
            _ => Ok(()),
        }
    }

    /// Keeps the payment that a change of a document's status stands for.
    pub(super) fn note_payment(&mut self, at: i64, before: &Document, after: &Document, index: u32) {
        if after.status == Status::Paid {
            let id = self.ids.id(&format!("payment/{}", self.payments.len()));
            let amount = after.total - before.applied;
            let date = after.paid_on.unwrap_or(after.date);
            let value = Payment { document: index, date, amount, is_deleted: false };
            self.payments.push(Row { id, updated: at, value });
        } else {
            let paid = |row: &&mut Row<Payment>| row.value.document == index && !row.value.is_deleted;
            if let Some(row) = self.payments.iter_mut().rev().find(paid) {
                row.value.is_deleted = true;
                row.updated = at;
            }
        }
    }

    pub(super) fn allocate(
        &mut self,
        at: i64,
        credit: Uuid,
        invoice: Uuid,
        amount: E4,
        date: Date,
    ) -> Result<Vec<Happening>, XeroError> {
        let missing = || XeroError::refused("The document could not be found");
        let from = self.document_with_id(credit).ok_or_else(missing)?;
        let to = self.document_with_id(invoice).ok_or_else(missing)?;
        use crate::act::DocumentKind::{Bill, Invoice, SalesCredit, SupplierCredit};
        if !matches!((from.kind, to.kind), (SalesCredit, Invoice) | (SupplierCredit, Bill)) {
            return Err(XeroError::refused("The credit note can't be allocated to this document"));
        }
        if let Some(row) = self.organisation.as_ref().filter(|_| !self.switches.locked_days_take_allocations)
        {
            rules::check_lock(&row.value, date)?;
        }
        if from.status == Status::Authorised && to.status == Status::Paid {
            return Err(XeroError::refused(PAID_OFF));
        }
        if from.status != Status::Authorised || to.status != Status::Authorised {
            return Err(XeroError::refused(rules::NOT_MODIFIABLE));
        }
        if from.contact != to.contact {
            return Err(XeroError::refused("The credit note and the invoice must have the same contact"));
        }
        let left = |document: &Document| document.total - document.applied;
        if amount <= E4::ZERO || amount > left(from) || amount > left(to) {
            return Err(XeroError::refused(TOO_MUCH));
        }
        let id = self.ids.id(&format!("allocation/{}", self.allocations.len()));
        self.allocations.push(Allocation { id, credit, invoice, amount, date });
        let apply = |document: &mut Document| {
            document.applied = document.applied + amount;
            if document.applied == document.total {
                document.status = Status::Paid;
                document.paid_on = Some(date);
            }
        };
        Ok([credit, invoice].into_iter().filter_map(|id| self.move_to_end(at, id, apply)).collect())
    }

    pub(super) fn attach(
        &mut self,
        at: i64,
        of: Uuid,
        file_name: &str,
        mime_type: &str,
        (length, content): (usize, &str),
    ) -> Result<Vec<Happening>, XeroError> {
        let is_journal = self.journals.iter().any(|row| row.id == of);
        if self.document_with_id(of).is_none() && !is_journal {
            return Err(XeroError::refused("The document could not be found"));
        }
        let id = self.ids.id(&format!("attachment/{of}/{file_name}"));
        let files = self.attachments.entry(of).or_default();
        let file = Attachment {
            id,
            file_name: file_name.to_owned(),
            mime_type: mime_type.to_owned(),
            length,
            content: content.to_owned(),
        };
        if let Some(present) = files.iter_mut().find(|present| present.file_name == file_name) {
            *present = file;
        } else if files.len() >= ATTACHMENTS_PER_DOCUMENT {
            return Err(XeroError::refused(format!(
                "A document can have at most {ATTACHMENTS_PER_DOCUMENT} attachments"
            )));
        } else {
            files.push(file);
        }
        Ok(self.move_to_end(at, of, |_| {}).into_iter().collect())
    }
}
