//! Finding again what may have been written: by our own number, or by a mark.

use jiff::Timestamp;

use super::{BY_CHANGE, Clock, FOUR_DECIMALS, INVOICE_STATUSES, Session};
use crate::{
    auth::TokenStore,
    error::{Error, InputError},
    limits::CallBudget,
    model::{CreditNote, Invoice, ManualJournal, Page, PurchaseOrder, Resource, first},
};

/// The longest list of numbers in one call, in bytes: addresses are bounded by their length, and about 2,000 bytes have
/// been seen to pass (XeroAPI/Xero-Java issue 331).
pub const NUMBERS_LENGTH_MAX: usize = 1_500;
/// The most pages that are looked through.
const LOOK_PAGES_MAX: u32 = 20;

/// By what a manual journal is known again. It should be unique, such as an id of one's own within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JournalMark<'a> {
    /// Its narration contains this text.
    Narration(&'a str),
    /// Its link back to the app is this.
    Url(&'a str),
}

impl JournalMark<'_> {
    fn is_on(self, journal: &ManualJournal) -> bool {
        match self {
            Self::Narration(mark) => journal.narration.as_deref().is_some_and(|text| text.contains(mark)),
            Self::Url(mark) => journal.url.as_deref() == Some(mark),
        }
    }
}

/// A number as one of several in a list, or as a text in a filter.
fn checked<'a>(number: &'a str, what: &'static str) -> Result<&'a str, InputError> {
    if number.trim().is_empty() {
        return Err(InputError::Empty { what });
    }
    if number.len() > NUMBERS_LENGTH_MAX {
        return Err(InputError::TooLong { what, length: number.len(), limit: NUMBERS_LENGTH_MAX });
    }
    if number.contains([',', '"', '\\']) || number.chars().any(char::is_control) {
        let why = "a number with a comma, a quote or a backslash can't be looked for";
        return Err(InputError::Characters { what, why });
    }
    Ok(number)
}

impl<T: TokenStore, B: CallBudget, C: Clock> Session<T, B, C> {
    /// The invoices and bills with these numbers, in any order and state. Several bills may have one number. One call for
    /// each [`NUMBERS_LENGTH_MAX`] bytes of numbers, none for none.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn invoices_by_number(&mut self, numbers: &[&str]) -> Result<Page<Invoice>, Error> {
        let mut lists: Vec<String> = Vec::new();
        for number in numbers {
            let number = checked(number, "invoice number")?;
            match lists.last_mut().filter(|list| list.len() + number.len() < NUMBERS_LENGTH_MAX) {
                Some(list) => {
                    list.push(',');
                    list.push_str(number);
                }
                None => lists.push(number.to_owned()),
            }
        }
        let mut all = Page::empty();
        for list in &lists {
            let query = [("InvoiceNumbers", list.as_str()), ("Statuses", INVOICE_STATUSES), FOUR_DECIMALS];
            for number in 1.. {
                let page: Page<Invoice> = self.page(None, number, &query).await?;
                let more = page.may_have_more(number);
                all.resources.extend(page.resources);
                all.unreadable.extend(page.unreadable);
                all.answered_at = page.answered_at.or(all.answered_at);
                if !more {
                    break;
                }
                if number >= LOOK_PAGES_MAX {
                    let why = format!("more than {LOOK_PAGES_MAX} pages have these numbers");
                    return Err(Error::BadAnswer { resource: Invoice::NAME, why });
                }
            }
        }
        Ok(all)
    }

    /// The credit notes with this number, in any state. Suppliers' credit notes may share one. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn credit_notes_by_number(&mut self, number: &str) -> Result<Page<CreditNote>, Error> {
        let filter = format!(r#"CreditNoteNumber=="{}""#, checked(number, "credit note number")?);
        self.page(None, 1, &[("where", &filter), FOUR_DECIMALS]).await
    }

    /// The purchase order with this number, if there is one. One call.
    ///
    /// # Errors
    /// See [`Error`].
    pub async fn purchase_order_by_number(&mut self, number: &str) -> Result<Option<PurchaseOrder>, Error> {
        // Within an address these would mean the list itself, or what is above it.
        if number.is_empty() || number == "." || number == ".." {
            let why = "it can't be part of an address";
            return Err(InputError::Characters { what: "purchase order number", why }.into());
        }
        match self.list::<PurchaseOrder>(&[PurchaseOrder::NAME, number], &[], None).await {
            Ok(page) => Ok(first(page)),
            Err(Error::Reject { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The manual journals with this mark that changed since an instant a little before the first try to write them.
    ///
    /// Xero's specification names no filter for narrations, so what changed is looked through. One call for each
    /// [`PAGE_SIZE`](crate::PAGE_SIZE) journals that changed.
    ///
    /// # Errors
    /// See [`Error`]. [`Error::BadAnswer`] also if there are more pages than are looked through: then nothing is known.
    pub async fn manual_journals_marked(
        &mut self,
        mark: JournalMark<'_>,
        since: Timestamp,
    ) -> Result<Vec<ManualJournal>, Error> {
        let mut found = Vec::new();
        for number in 1..=LOOK_PAGES_MAX {
            let page: Page<ManualJournal> = self.page(Some(since), number, &[BY_CHANGE]).await?;
            if let Some(unread) = page.unreadable.first() {
                // It may be the one that is looked for.
                return Err(Error::BadAnswer { resource: ManualJournal::NAME, why: unread.why.clone() });
            }
            let more = page.may_have_more(number);
            found.extend(page.resources.into_iter().filter(|journal| mark.is_on(journal)));
            if !more {
                return Ok(found);
            }
        }
        let why = format!("more than {LOOK_PAGES_MAX} pages of journals changed since");
        Err(Error::BadAnswer { resource: ManualJournal::NAME, why })
    }
}
