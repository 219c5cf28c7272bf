//! What stands in the way of a write, before it is sent; and why it was refused after all.

use jiff::civil::Date;

use crate::decimal::Decimal;
use crate::model::{
    Account, AccountStatus, Action, ActionStatus, BillUpdate, ContactRef, CreditNote, CreditNoteType,
    CreditNoteUpdate, Invoice, InvoiceStatus, InvoiceType, Lines, NewAllocation, NewBill, NewCreditNote,
    NewJournalStatus, NewManualJournal, NewPurchaseOrder, NewStatus, Organisation, PurchaseOrderStatus,
};

/// What writes are checked against before they are sent: see [`Session::write_rules`](crate::Session::write_rules).
///
/// A check that passes promises nothing: Xero decides, and a person may change the books in between. It saves a call, and
/// its explanation names the setting instead of repeating Xero's words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriteRules {
    /// The organisation, for its lock dates and its currency.
    pub organisation: Organisation,
    /// Its accounts.
    pub accounts: Vec<Account>,
    /// What plan and permissions let the connected user do.
    pub actions: Vec<Action>,
}

/// Why Xero would refuse a write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Obstacle {
    /// The books are closed up to a day.
    #[error("{date} is in a locked period: the {which} is {lock}. An adviser can move it in Xero's settings")]
    Locked {
        /// The document's day.
        date: Date,
        /// The last day of the locked period.
        lock: Date,
        /// Xero's name of the setting.
        which: &'static str,
    },
    /// Plan, monthly cap or permissions don't allow it.
    #[error(
        "Xero does not let this connection do it now ({action}): the plan, its cap for this month or the role of the \
         connected user is in the way"
    )]
    NotAllowed {
        /// Xero's name of the action, such as `CreateApprovedBill`.
        action: String,
    },
    /// No account has this code.
    #[error("there is no account {code}")]
    NoAccount {
        /// The code.
        code: String,
    },
    /// The account can't be used here.
    #[error("the account {code} can't be used here: {why}")]
    Account {
        /// The code.
        code: String,
        /// Why.
        why: &'static str,
    },
    /// Xero does not let a document go from one state to the other.
    #[error("Xero does not let a document that is {from} become {to}")]
    State {
        /// The present state, in Xero's word.
        from: String,
        /// The state asked for, in Xero's word.
        to: String,
    },
    /// What stands on a document keeps it from being voided.
    #[error("a payment or a credit stands on the document; take it off in Xero first")]
    Settled,
    /// A credit can't be set against an invoice or a bill.
    #[error("the credit can't be set against it: {why}")]
    Allocation {
        /// Why.
        why: &'static str,
    },
}

/// What an update would change of a bill or a credit note, and what of it is there.
struct Change<'a> {
    from: Option<&'a InvoiceStatus>,
    to: Option<&'a InvoiceStatus>,
    dates: [Option<Date>; 2],
    lines: Option<&'a Lines>,
    /// What the connected user must be allowed to do, so that it may be approved.
    approval: Option<&'static str>,
    /// Whether a payment or a credit stands on it.
    settled: bool,
}

/// Where a line's account stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// On a document, with or without an item.
    Document { has_item: bool },
    /// In a manual journal.
    Journal,
}

impl WriteRules {
    /// Whether a bill can be made.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_bill(&self, bill: &NewBill) -> Result<(), Obstacle> {
        let approved = bill.status == NewStatus::Authorised;
        self.allowed(if approved { "CreateApprovedBill" } else { "CreateDraftBill" })?;
        self.check_currency(bill.currency_code.as_deref())?;
        if approved {
            self.open(bill.date)?;
        }
        let lines = bill.line_items.iter();
        self.lines(lines.map(|line| (line.item_code.is_some(), line.account_code.as_deref())))
    }

    /// Whether a bill can be changed.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_bill_update(&self, present: &Invoice, update: &BillUpdate) -> Result<(), Obstacle> {
        self.check_change(&Change {
            from: present.status.as_ref(),
            to: update.status.as_ref(),
            dates: [present.date, update.date],
            lines: update.lines.as_ref(),
            approval: Some("CreateApprovedBill"),
            settled: matches!((present.total, present.amount_due), (Some(all), Some(due)) if due != all),
        })
    }

    /// Whether a credit note can be made. Xero names no action of credit notes (specification, `/Organisation/Actions`), so whether
    /// the person may is left to Xero.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_credit_note(&self, note: &NewCreditNote) -> Result<(), Obstacle> {
        self.check_currency(note.currency_code.as_deref())?;
        if note.status == NewStatus::Authorised {
            self.open(note.date)?;
        }
        let lines = note.line_items.iter();
        self.lines(lines.map(|line| (line.item_code.is_some(), line.account_code.as_deref())))
    }

    /// Whether a credit note can be changed.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_credit_note_update(
        &self,
        present: &CreditNote,
        update: &CreditNoteUpdate,
    ) -> Result<(), Obstacle> {
        self.check_change(&Change {
            from: present.status.as_ref(),
            to: update.status.as_ref(),
            dates: [present.date, update.date],
            lines: update.lines.as_ref(),
            approval: None,
            settled: matches!((present.total, present.remaining_credit), (Some(all), Some(left)) if left != all),
        })
    }

    /// Whether parts of a credit note can be set against invoices or bills, all of them together. `invoices` are the
    /// ones named, as they were read.
    ///
    /// That the day must be open is known of documents and inferred here: an allocation changes what is owed on its day. If Xero is
    /// less strict, another day does as well.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_allocations(
        &self,
        credit: &CreditNote,
        invoices: &[Invoice],
        allocations: &[NewAllocation],
    ) -> Result<(), Obstacle> {
        let refused = |why| Err(Obstacle::Allocation { why });
        if credit.status.as_ref().is_some_and(|status| *status != InvoiceStatus::Authorised) {
            return refused("the credit note is not approved, or nothing is left of it");
        }
        let sum = |of: &dyn Fn(&NewAllocation) -> bool| -> i128 {
            let amounts = allocations.iter().filter(|each| of(each)).map(|each| each.amount.to_e4());
            amounts.map(|amount| i128::from(amount.unwrap_or(i64::MAX))).sum()
        };
        let is_more = |asked: i128, left: Option<Decimal>| {
            left.and_then(|left| left.to_e4().ok()).is_some_and(|left| asked > i128::from(left))
        };
        if is_more(sum(&|_| true), credit.remaining_credit) {
            return refused("it is more than what is left of the credit note");
        }
        for allocation in allocations {
            self.open(allocation.date)?;
            if allocation.amount <= Decimal::from_e4(0) {
                return refused("the amount must be above zero");
            }
            let Some(invoice) = invoices.iter().find(|one| one.invoice_id == allocation.invoice_id) else {
                return refused("the invoice or bill was not among those read");
            };
            if invoice.status.as_ref().is_some_and(|status| *status != InvoiceStatus::Authorised) {
                return refused("the invoice or bill is not approved, or settled already");
            }
            let crosses = matches!(
                (&credit.kind, &invoice.kind),
                (Some(CreditNoteType::Sale), Some(InvoiceType::Bill))
                    | (Some(CreditNoteType::Bill), Some(InvoiceType::Sale))
            );
            if crosses {
                return refused("customers' credits go to sales invoices, suppliers' credits to bills");
            }
            let who = |contact: &Option<ContactRef>| contact.as_ref().and_then(|contact| contact.contact_id);
            if differ(who(&credit.contact), who(&invoice.contact)) {
                return refused("it is another contact's");
            }
            if differ(credit.currency_code.as_ref(), invoice.currency_code.as_ref()) {
                return refused("it is in another currency");
            }
            if is_more(sum(&|each| each.invoice_id == invoice.invoice_id), invoice.amount_due) {
                return refused("it is more than what is owed");
            }
        }
        Ok(())
    }

    /// Whether a purchase order can be made. Lock dates don't concern it, since it is not in the books.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_purchase_order(&self, order: &NewPurchaseOrder) -> Result<(), Obstacle> {
        let approved = order.status == PurchaseOrderStatus::Authorised;
        self.allowed(if approved { "CreateApprovedPurchaseOrder" } else { "CreateDraftPurchaseOrder" })?;
        self.check_currency(order.currency_code.as_deref())?;
        for code in order.line_items.iter().filter_map(|line| line.account_code.as_deref()) {
            self.account(code)?;
        }
        Ok(())
    }

    /// Whether a manual journal can be made.
    ///
    /// # Errors
    /// The first [`Obstacle`] found.
    pub fn check_journal(&self, journal: &NewManualJournal) -> Result<(), Obstacle> {
        self.allowed("CreateManualJournal")?;
        if journal.status() == NewJournalStatus::Posted {
            self.open(journal.date())?;
        }
        for line in journal.lines() {
            self.usable(&line.account_code, Place::Journal)?;
        }
        Ok(())
    }

    /// Whether a day is after every lock date.
    ///
    /// # Errors
    /// [`Obstacle::Locked`].
    pub fn open(&self, date: Date) -> Result<(), Obstacle> {
        let locks = [
            (self.organisation.end_of_year_lock_date, "end of year lock date"),
            (self.organisation.period_lock_date, "period lock date"),
        ];
        for (lock, which) in locks {
            if let Some(lock) = lock.filter(|lock| date <= *lock) {
                return Err(Obstacle::Locked { date, lock, which });
            }
        }
        Ok(())
    }

    fn check_change(&self, change: &Change<'_>) -> Result<(), Obstacle> {
        if let (Some(from), Some(to)) = (change.from, change.to) {
            if from != to && !from.may_become(to) {
                return Err(Obstacle::State { from: from.to_string(), to: to.to_string() });
            }
            if *to == InvoiceStatus::Voided && change.settled {
                return Err(Obstacle::Settled);
            }
        }
        let in_books = |status: Option<&InvoiceStatus>| {
            matches!(status, Some(InvoiceStatus::Authorised | InvoiceStatus::Paid))
        };
        let (is_in, will_be_in) = (in_books(change.from), in_books(change.to.or(change.from)));
        if will_be_in && !is_in {
            change.approval.map_or(Ok(()), |action| self.allowed(action))?;
        }
        let [_, new_date] = change.dates;
        let touches_books = change.to.is_some() || new_date.is_some() || change.lines.is_some();
        if touches_books && (is_in || will_be_in) {
            for date in change.dates.into_iter().flatten() {
                self.open(date)?;
            }
        }
        let lines = change.lines.into_iter().flat_map(Lines::parts);
        self.lines(lines.map(|(item, account, _)| (item.is_some(), account)))
    }

    /// Whether Xero says that an action is not allowed. One that it does not name counts as allowed.
    fn allowed(&self, name: &str) -> Result<(), Obstacle> {
        let refused = self.actions.iter().find(|action| action.name == name);
        match refused.and_then(|action| action.status.as_ref()) {
            Some(ActionStatus::NotAllowed) => Err(Obstacle::NotAllowed { action: name.to_owned() }),
            _ => Ok(()),
        }
    }

    fn check_currency(&self, code: Option<&str>) -> Result<(), Obstacle> {
        match code {
            Some(code) if Some(code) != self.organisation.base_currency.as_deref() => {
                self.allowed("UseMulticurrency")
            }
            _ => Ok(()),
        }
    }

    /// Whether each line, by whether it has an item and by the code of its account, can stand on a document.
    fn lines<'a>(&self, lines: impl Iterator<Item = (bool, Option<&'a str>)>) -> Result<(), Obstacle> {
        for (has_item, code) in lines {
            if let Some(code) = code {
                self.usable(code, Place::Document { has_item })?;
            }
        }
        Ok(())
    }

    fn account(&self, code: &str) -> Result<&Account, Obstacle> {
        let account = self.accounts.iter().find(|account| account.code.as_deref() == Some(code));
        let account = account.ok_or_else(|| Obstacle::NoAccount { code: code.to_owned() })?;
        match account.status {
            Some(AccountStatus::Archived | AccountStatus::Deleted) => {
                Err(Obstacle::Account { code: code.to_owned(), why: "it is archived" })
            }
            _ => Ok(account),
        }
    }

    fn usable(&self, code: &str, place: Place) -> Result<(), Obstacle> {
        let account = self.account(code)?;
        let kind = account.kind.as_deref().unwrap_or_default();
        let system = account.system_account.as_deref().unwrap_or_default();
        // Sources: developer.xero.com, *Manual journals*; help.xero.com, *Inventory tracked*.
        let why = match (place, kind, system) {
            (Place::Document { has_item: false }, "INVENTORY", _) => {
                "it holds tracked stock, which only lines of tracked items move"
            }
            (Place::Journal, "INVENTORY", _) => "it holds tracked stock, which no journal moves",
            (Place::Journal, "BANK", _) => "journals can't move money of a bank account",
            (Place::Journal, _, "DEBTORS" | "CREDITORS") => "journals can't change what is owed",
            (Place::Journal, _, "RETAINEDEARNINGS") => "journals can't change retained earnings",
            _ => return Ok(()),
        };
        Err(Obstacle::Account { code: code.to_owned(), why })
    }
}

/// Whether both are known and not the same.
fn differ<T: PartialEq>(one: Option<T>, other: Option<T>) -> bool {
    matches!((one, other), (Some(one), Some(other)) if one != other)
}

/// Why Xero refused an element, sorted from its words. The words are not documented and change, so each is looked for
/// loosely, and what is not known is [`Other`](Self::Other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RefusalReason {
    /// The date is in a locked period.
    Locked,
    /// The plan's cap for this month is reached.
    PlanCap,
    /// The number exists already.
    NumberTaken,
    /// The document's state does not allow the change.
    WrongState,
    /// A payment or a credit note stands on the document.
    HasPayment,
    /// An account of tracked inventory is used where it can't be.
    InventoryAccount,
    /// More is set against a document than is left of it, or of the credit.
    Outstanding,
    /// There is less stock than would go out.
    NothingToSell,
    /// A quantity is below zero: the direction is in the kind of document.
    NegativeQuantity,
    /// Debits and credits differ.
    Unbalanced,
    /// The tax rate does not go with the account.
    TaxType,
    /// An account code is not known or can't be used.
    Account,
    /// An item code is not known.
    Item,
    /// The contact is not known or archived.
    Contact,
    /// The organisation does not use the currency.
    Currency,
    /// The idempotency key was used for another request: nothing is known of that one.
    KeyReused,
    /// Something else; Xero's own words say what.
    Other,
}

/// Pieces of Xero's words, in lower case, by what they mean; the first that fits counts. Sources: developer.xero.com,
/// *Invoices*, *Manual journals*, *Tax rates*; help.xero.com; XeroAPI/xero-node issue 548; waynerobinson/xeroizer issue 320
/// (allocations); the specification's examples.
const WORDS: [(&str, RefusalReason); 23] = [
    ("lock date", RefusalReason::Locked),
    ("limit of invoices", RefusalReason::PlanCap),
    ("reached the limit", RefusalReason::PlanCap),
    ("must be unique", RefusalReason::NumberTaken),
    ("already exists", RefusalReason::NumberTaken),
    ("payment or credit note allocated", RefusalReason::HasPayment),
    ("greater than amount outstanding", RefusalReason::Outstanding),
    ("already been paid off", RefusalReason::Outstanding),
    ("not of valid status", RefusalReason::WrongState),
    ("status is not valid", RefusalReason::WrongState),
    ("inventory account type", RefusalReason::InventoryAccount),
    ("inventory asset account", RefusalReason::InventoryAccount),
    ("no items available", RefusalReason::NothingToSell),
    ("must not be less than zero", RefusalReason::NegativeQuantity),
    ("must equal total credits", RefusalReason::Unbalanced),
    ("taxtype", RefusalReason::TaxType),
    ("account code", RefusalReason::Account),
    ("item code", RefusalReason::Item),
    ("not subscribed to currency", RefusalReason::Currency),
    ("used with a different request", RefusalReason::KeyReused),
    ("contact could not be found", RefusalReason::Contact),
    ("contact is archived", RefusalReason::Contact),
    ("contact must be", RefusalReason::Contact),
];

impl RefusalReason {
    /// What Xero's words mean.
    #[must_use]
    pub fn of(words: &str) -> Self {
        let words = words.to_lowercase();
        let known = WORDS.iter().find(|(piece, _)| words.contains(piece));
        known.map_or(Self::Other, |(_, reason)| *reason)
    }

    /// What the person who asked can do, as one sentence.
    #[must_use]
    pub fn remedy(self) -> &'static str {
        match self {
            Self::Locked => "Choose a later date, or let an adviser move the lock date in Xero.",
            Self::PlanCap => {
                "The organisation's plan allows no more approvals this month: leave it as a draft, or change the plan."
            }
            Self::NumberTaken => {
                "Look the document with this number up: it may be the one that was asked for."
            }
            Self::WrongState => "Read the document again: somebody has changed it, or it is settled already.",
            Self::HasPayment => "Remove the payment or the allocation in Xero first.",
            Self::InventoryAccount => {
                "Use the item's inventory account on lines of tracked items and on no other line."
            }
            Self::Outstanding => "Read both documents again: less is left of one of them than was asked for.",
            Self::NothingToSell => "Bring the stock in first: approve the bill that it came with.",
            Self::NegativeQuantity => "Use a credit note for what goes the other way.",
            Self::Unbalanced => "Make debits and credits equal.",
            Self::TaxType => "Choose another tax rate for this account, or leave it to the item.",
            Self::Account => "Choose another account: this one is missing, archived or of the wrong kind.",
            Self::Item => "Read the items again: this one was renamed, made inactive or removed.",
            Self::Contact => "Read the contacts again: this one was archived, merged or removed.",
            Self::Currency => "Add the currency in Xero, or use one of the organisation's.",
            Self::KeyReused => "Look the document up before it is sent again under another key.",
            Self::Other => "Xero's own words say what is wrong.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xeros_words_are_sorted_loosely() {
        for (words, reason) in [
            (
                "The document date cannot be before the period lock date, currently set at 30 June 2025",
                RefusalReason::Locked,
            ),
            ("You have reached the limit of invoices you can approve", RefusalReason::PlanCap),
            ("Invoice # must be unique.", RefusalReason::NumberTaken),
            ("Order number must be unique", RefusalReason::NumberTaken),
            ("Price List Item with Code 'abc' already exists", RefusalReason::NumberTaken),
            ("Invoice not of valid status for modification", RefusalReason::WrongState),
            (
                "This document cannot be edited as it has a payment or credit note allocated to it.",
                RefusalReason::HasPayment,
            ),
            (
                "You cannot save this transaction using an inventory account type",
                RefusalReason::InventoryAccount,
            ),
            (
                "Credit Note cannot be allocated as amount is greater than amount outstanding",
                RefusalReason::Outstanding,
            ),
            (
                "The invoice you are trying to allocate to has already been paid off",
                RefusalReason::Outstanding,
            ),
            ("No items available to sell", RefusalReason::NothingToSell),
            (
                "The quantity value '-1.0000' is invalid. Quantity must not be less than zero.",
                RefusalReason::NegativeQuantity,
            ),
            ("The total debits (100.00) must equal total credits (-10.00)", RefusalReason::Unbalanced),
            ("The TaxType code 'x' cannot be used with account code 'y'", RefusalReason::TaxType),
            ("Account code '476' is not a valid code for this document.", RefusalReason::Account),
            ("Item code 'GHOST' is not valid", RefusalReason::Item),
            ("Organisation is not subscribed to currency USD", RefusalReason::Currency),
            ("The Idempotency-Key has already been used with a different request", RefusalReason::KeyReused),
            ("Something new", RefusalReason::Other),
        ] {
            assert_eq!(RefusalReason::of(words), reason, "{words}");
            assert!(reason.remedy().ends_with('.'));
        }
    }
}
