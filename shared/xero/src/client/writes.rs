//! Writes.
//!
//! Each takes a key under which Xero recognises a repetition for about six minutes. After [`Error::Unknown`], and after
//! those minutes, look for the document by its number (or by its [`JournalMark`](crate::JournalMark)) before sending it
//! again.

use reqwest::Method;
use serde::Serialize;
use uuid::Uuid;

use super::{
    Clock, IdempotencyKey, Session,
    batch::{Batch, Target, json},
    request::{BYTES, Call, JSON, Sent},
};
use crate::{
    auth::TokenStore,
    error::{Error, InputError},
    limits::CallBudget,
    model::{
        Allocation, Attachment, AttachmentOf, BillUpdate, CreditNote, CreditNoteUpdate, HistoryNote,
        HistoryOf, HistoryRecord, Invoice, Item, ItemUpdate, ManualJournal, ManualJournalUpdate,
        NewAllocation, NewAttachment, NewBill, NewCreditNote, NewManualJournal, NewPurchaseOrder,
        PurchaseOrder, PurchaseOrderUpdate, Resource, TRACKING_MAX, Tracking,
    },
};

/// Creates, at the path of a resource.
fn put<R: Resource>(path: &'static [&'static str], four_decimals: bool) -> Target<'static> {
    Target { method: Method::PUT, path, counted_as: R::NAME, four_decimals }
}

/// Changes, at the path of a resource.
fn post<R: Resource>(path: &'static [&'static str], four_decimals: bool) -> Target<'static> {
    Target { method: Method::POST, ..put::<R>(path, four_decimals) }
}

/// Refuses a line with more tracking options than Xero takes.
fn check_tracking<'a>(lines: impl IntoIterator<Item = &'a [Tracking]>) -> Result<(), InputError> {
    for tracking in lines {
        if tracking.len() > TRACKING_MAX {
            let (what, count) = ("tracking options of a line", tracking.len());
            return Err(InputError::TooMany { what, count, limit: TRACKING_MAX });
        }
    }
    Ok(())
}

impl<T: TokenStore, B: CallBudget, C: Clock> Session<T, B, C> {
    /// Makes bills, each saved or refused by itself. One call for each [`BATCH_ELEMENTS_MAX`](crate::BATCH_ELEMENTS_MAX)
    /// of them, none for none; so for every write of several elements below.
    ///
    /// # Errors
    /// See [`Error`]; nothing was saved then. After [`Error::Unknown`] look with
    /// [`invoices_by_number`](Self::invoices_by_number): Xero takes the same number of a bill twice.
    pub async fn create_bills(
        &mut self,
        bills: &[NewBill],
        key: &IdempotencyKey,
    ) -> Result<Batch<Invoice>, Error> {
        #[derive(Serialize)]
        struct Typed<'a> {
            #[serde(rename = "Type")]
            kind: &'static str,
            #[serde(flatten)]
            bill: &'a NewBill,
        }
        check_tracking(bills.iter().flat_map(|bill| &bill.line_items).map(|line| &*line.tracking))?;
        let typed: Vec<Typed<'_>> = bills.iter().map(|bill| Typed { kind: "ACCPAY", bill }).collect();
        self.write_all(put::<Invoice>(&["Invoices"], true), &typed, key).await
    }

    /// Changes bills, each by itself.
    ///
    /// # Errors
    /// See [`Error`]. The same update may be sent again after [`Error::Unknown`], unless it adds lines.
    pub async fn update_bills(
        &mut self,
        updates: &[BillUpdate],
        key: &IdempotencyKey,
    ) -> Result<Batch<Invoice>, Error> {
        let lines = updates.iter().filter_map(|update| update.lines.as_ref());
        check_tracking(lines.flat_map(|lines| lines.parts().map(|(_, _, tracking)| tracking)))?;
        self.write_all(post::<Invoice>(&["Invoices"], true), updates, key).await
    }

    /// Makes credit notes, each saved or refused by itself.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look with [`credit_notes_by_number`](Self::credit_notes_by_number):
    /// Xero takes the same number of a supplier's credit note twice.
    pub async fn create_credit_notes(
        &mut self,
        notes: &[NewCreditNote],
        key: &IdempotencyKey,
    ) -> Result<Batch<CreditNote>, Error> {
        check_tracking(notes.iter().flat_map(|note| &note.line_items).map(|line| &*line.tracking))?;
        self.write_all(put::<CreditNote>(&["CreditNotes"], true), notes, key).await
    }

    /// Changes credit notes, each by itself.
    ///
    /// # Errors
    /// See [`Error`]. The same update may be sent again after [`Error::Unknown`], unless it adds lines.
    pub async fn update_credit_notes(
        &mut self,
        updates: &[CreditNoteUpdate],
        key: &IdempotencyKey,
    ) -> Result<Batch<CreditNote>, Error> {
        let lines = updates.iter().filter_map(|update| update.lines.as_ref());
        check_tracking(lines.flat_map(|lines| lines.parts().map(|(_, _, tracking)| tracking)))?;
        self.write_all(post::<CreditNote>(&["CreditNotes"], true), updates, key).await
    }

    /// Sets parts of a credit note against invoices or bills.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look at the `allocations` of the credit note before sending them again.
    pub async fn allocate(
        &mut self,
        credit_note: Uuid,
        allocations: &[NewAllocation],
        key: &IdempotencyKey,
    ) -> Result<Batch<Allocation>, Error> {
        let id = credit_note.to_string();
        let target = Target {
            method: Method::PUT,
            path: &["CreditNotes", &id, Allocation::NAME],
            counted_as: "CreditNotes/Allocations",
            four_decimals: false,
        };
        self.write_all(target, allocations, key).await
    }

    /// Makes manual journals, each saved or refused by itself.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look with [`manual_journals_marked`](Self::manual_journals_marked):
    /// journals have no number that would refuse a double.
    pub async fn create_manual_journals(
        &mut self,
        journals: &[NewManualJournal],
        key: &IdempotencyKey,
    ) -> Result<Batch<ManualJournal>, Error> {
        check_tracking(journals.iter().flat_map(NewManualJournal::lines).map(|line| &*line.tracking))?;
        self.write_all(put::<ManualJournal>(&["ManualJournals"], false), journals, key).await
    }

    /// Posts, deletes or voids manual journals, each by itself.
    ///
    /// # Errors
    /// See [`Error`]. The same update may be sent again after [`Error::Unknown`].
    pub async fn update_manual_journals(
        &mut self,
        updates: &[ManualJournalUpdate],
        key: &IdempotencyKey,
    ) -> Result<Batch<ManualJournal>, Error> {
        self.write_all(post::<ManualJournal>(&["ManualJournals"], false), updates, key).await
    }

    /// Changes items, each by itself.
    ///
    /// # Errors
    /// See [`Error`]. The same update may be sent again after [`Error::Unknown`].
    pub async fn update_items(
        &mut self,
        updates: &[ItemUpdate],
        key: &IdempotencyKey,
    ) -> Result<Batch<Item>, Error> {
        self.write_all(post::<Item>(&["Items"], true), updates, key).await
    }

    /// Makes purchase orders, each saved or refused by itself.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look with
    /// [`purchase_order_by_number`](Self::purchase_order_by_number).
    pub async fn create_purchase_orders(
        &mut self,
        orders: &[NewPurchaseOrder],
        key: &IdempotencyKey,
    ) -> Result<Batch<PurchaseOrder>, Error> {
        check_tracking(orders.iter().flat_map(|order| &order.line_items).map(|line| &*line.tracking))?;
        self.write_all(put::<PurchaseOrder>(&["PurchaseOrders"], false), orders, key).await
    }

    /// Changes purchase orders, each by itself.
    ///
    /// # Errors
    /// See [`Error`]. The same update may be sent again after [`Error::Unknown`], unless it adds lines.
    pub async fn update_purchase_orders(
        &mut self,
        updates: &[PurchaseOrderUpdate],
        key: &IdempotencyKey,
    ) -> Result<Batch<PurchaseOrder>, Error> {
        let lines = updates.iter().filter_map(|update| update.lines.as_ref());
        check_tracking(lines.flat_map(|lines| lines.parts().map(|(_, _, tracking)| tracking)))?;
        self.write_all(post::<PurchaseOrder>(&["PurchaseOrders"], false), updates, key).await
    }

    /// Adds a note to the history of a resource. One call. Sent twice, it stands there twice.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look into [`history`](Self::history) before sending it again.
    pub async fn add_history(
        &mut self,
        of: HistoryOf,
        id: Uuid,
        note: &HistoryNote,
        key: &IdempotencyKey,
    ) -> Result<(), Error> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Body<'a> {
            history_records: [&'a HistoryNote; 1],
        }
        let body = json(&Body { history_records: [note] }, HistoryRecord::NAME)?;
        let call = Call {
            method: Method::PUT,
            counted_as: of.counted_as(),
            path: &[of.path(), &id.to_string(), "History"],
            query: &[],
            modified_since: None,
            accept: JSON,
            file_form: None,
            write: Some(Sent { key, content_type: JSON, body }),
        };
        self.written(call).await.map(drop)
    }

    /// Puts a file beside a document. One call.
    ///
    /// # Errors
    /// See [`Error`]. After [`Error::Unknown`] look with [`NewAttachment::among`] into
    /// [`attachments`](Self::attachments) before sending it again.
    pub async fn attach(
        &mut self,
        to: AttachmentOf,
        id: Uuid,
        file: &NewAttachment,
        key: &IdempotencyKey,
    ) -> Result<Attachment, Error> {
        let call = Call {
            method: Method::PUT,
            counted_as: to.counted_as(),
            path: &[to.path(), &id.to_string(), Attachment::NAME, &file.file_name],
            query: &[],
            modified_since: None,
            accept: JSON,
            file_form: None,
            write: Some(Sent { key, content_type: BYTES, body: file.content.clone() }),
        };
        let body = self.written(call).await?;
        let unread = |why: &str| Error::Unknown { why: format!("its answer: {why}") };
        let read = crate::model::read_page::<Attachment>(&body, Attachment::NAME);
        let outcome = read
            .map_err(|error| unread(&crate::error::json_error(&error)))
            .and_then(|page| crate::model::first(page).ok_or_else(|| unread("it names no file")));
        self.done(outcome).await
    }
}
