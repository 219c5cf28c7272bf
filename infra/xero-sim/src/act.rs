//! What people and trade do to the books: plain data that a history consists of.
//!
//! An [`Act`] is something a bookkeeper could do on Xero's screens or an app through its API. The same acts in
//! the same order under the same seed give the same ids, so a history can be written down, stored and repeated.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Ten-thousandths in one.
const SCALE: i64 = 10_000;

/// An exact decimal with four places: a quantity, a price or an amount, counted in ten-thousandths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct E4(pub i64);

impl E4 {
    /// Nothing.
    pub const ZERO: E4 = E4(0);
    /// One whole.
    pub const ONE: E4 = E4(SCALE);

    /// A whole number.
    pub const fn whole(units: i64) -> E4 {
        E4(units.saturating_mul(SCALE))
    }

    /// An amount given in hundredths, such as cents.
    pub const fn cents(cents: i64) -> E4 {
        E4(cents.saturating_mul(SCALE / 100))
    }

    /// Reads decimal text such as `-12.5`; digits beyond the fourth place are rounded half up (away from zero).
    /// `None` for anything else, exponents included, and for numbers beyond the range.
    pub fn parse(text: &str) -> Option<E4> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if whole.is_empty() || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let mut value: i64 = whole.parse::<i64>().ok()?.checked_mul(SCALE)?;
        let mut place = SCALE / 10;
        for digit in fraction.bytes().take(4) {
            value = value.checked_add(i64::from(digit - b'0') * place)?;
            place /= 10;
        }
        if fraction.as_bytes().get(4).is_some_and(|digit| *digit >= b'5') {
            value = value.checked_add(1)?;
        }
        Some(E4(if negative { -value } else { value }))
    }

    /// Rounded half up (away from zero) to two places, as Xero rounds money.
    pub fn round2(self) -> E4 {
        E4(div_half_up(i128::from(self.0), 100).saturating_mul(100))
    }

    /// As an amount of money: rounded half up to two places, `-0.50`.
    pub fn to_money(self) -> String {
        let mut text = self.round2().to_string();
        text.truncate(text.len() - 2);
        text
    }

    /// The product with another decimal, rounded half up to four places.
    pub fn times(self, other: E4) -> E4 {
        E4(div_half_up(i128::from(self.0) * i128::from(other.0), i128::from(SCALE)))
    }
}

impl std::ops::Add for E4 {
    type Output = E4;
    fn add(self, other: E4) -> E4 {
        E4(self.0.saturating_add(other.0))
    }
}

impl std::ops::Sub for E4 {
    type Output = E4;
    fn sub(self, other: E4) -> E4 {
        E4(self.0.saturating_sub(other.0))
    }
}

impl std::ops::Neg for E4 {
    type Output = E4;
    fn neg(self) -> E4 {
        E4(self.0.saturating_neg())
    }
}

impl std::iter::Sum for E4 {
    fn sum<I: Iterator<Item = E4>>(parts: I) -> E4 {
        parts.fold(E4::ZERO, |sum, part| sum + part)
    }
}

impl std::fmt::Display for E4 {
    /// All four places: `-0.5000`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let magnitude = self.0.unsigned_abs();
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}.{:04}", magnitude / SCALE.unsigned_abs(), magnitude % SCALE.unsigned_abs())
    }
}

/// `numerator / denominator`, rounded half away from zero and kept within the range. A zero denominator gives 0.
pub(crate) fn div_half_up(numerator: i128, denominator: i128) -> i64 {
    if denominator == 0 {
        return 0;
    }
    let negative = (numerator < 0) != (denominator < 0);
    let (n, d) = (numerator.unsigned_abs(), denominator.unsigned_abs());
    let rounded = i64::try_from((n + d / 2) / d).unwrap_or(i64::MAX);
    if negative { -rounded } else { rounded }
}

/// The kinds of document. Xero's names are given by [`DocumentKind::xero_type`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum DocumentKind {
    /// A sales invoice (ACCREC). Its number is unique.
    Invoice,
    /// A supplier's bill (ACCPAY). Its number is free text.
    Bill,
    /// A credit note to a customer (ACCRECCREDIT). Its number is unique.
    SalesCredit,
    /// A credit note from a supplier (ACCPAYCREDIT). Its number is free text.
    SupplierCredit,
    /// A purchase order. Its number is unique; it never moves stock.
    PurchaseOrder,
    /// Money spent from a bank account (SPEND).
    SpendMoney,
    /// Money received on a bank account (RECEIVE), as in a cash sale.
    ReceiveMoney,
    /// Money to a supplier before a bill (SPEND-PREPAYMENT).
    SpendPrepayment,
    /// Money from a customer before an invoice (RECEIVE-PREPAYMENT).
    ReceivePrepayment,
    /// Money to a supplier beyond what was owed (SPEND-OVERPAYMENT).
    SpendOverpayment,
    /// Money from a customer beyond what was owed (RECEIVE-OVERPAYMENT).
    ReceiveOverpayment,
}

impl DocumentKind {
    /// Every kind, in the order of the enumeration.
    pub const ALL: [DocumentKind; 11] = [
        DocumentKind::Invoice,
        DocumentKind::Bill,
        DocumentKind::SalesCredit,
        DocumentKind::SupplierCredit,
        DocumentKind::PurchaseOrder,
        DocumentKind::SpendMoney,
        DocumentKind::ReceiveMoney,
        DocumentKind::SpendPrepayment,
        DocumentKind::ReceivePrepayment,
        DocumentKind::SpendOverpayment,
        DocumentKind::ReceiveOverpayment,
    ];

    /// Xero's `Type` for the kind.
    pub const fn xero_type(self) -> &'static str {
        match self {
            DocumentKind::Invoice => "ACCREC",
            DocumentKind::Bill => "ACCPAY",
            DocumentKind::SalesCredit => "ACCRECCREDIT",
            DocumentKind::SupplierCredit => "ACCPAYCREDIT",
            DocumentKind::PurchaseOrder => "PURCHASEORDER",
            DocumentKind::SpendMoney => "SPEND",
            DocumentKind::ReceiveMoney => "RECEIVE",
            DocumentKind::SpendPrepayment => "SPEND-PREPAYMENT",
            DocumentKind::ReceivePrepayment => "RECEIVE-PREPAYMENT",
            DocumentKind::SpendOverpayment => "SPEND-OVERPAYMENT",
            DocumentKind::ReceiveOverpayment => "RECEIVE-OVERPAYMENT",
        }
    }
}

/// The status of a document. Which ones a kind can have is checked when an act is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Status {
    /// Being written.
    Draft,
    /// Waiting for approval.
    Submitted,
    /// Approved.
    Authorised,
    /// Paid in full.
    Paid,
    /// Purchase orders: closed as fully billed.
    Billed,
    /// Taken back after approval.
    Voided,
    /// Thrown away before approval; bank transactions and purchase orders also after it.
    Deleted,
}

impl Status {
    /// Xero's word.
    pub const fn xero(self) -> &'static str {
        match self {
            Status::Draft => "DRAFT",
            Status::Submitted => "SUBMITTED",
            Status::Authorised => "AUTHORISED",
            Status::Paid => "PAID",
            Status::Billed => "BILLED",
            Status::Voided => "VOIDED",
            Status::Deleted => "DELETED",
        }
    }

    /// Reads Xero's word.
    pub fn parse(word: &str) -> Option<Status> {
        [
            Status::Draft,
            Status::Submitted,
            Status::Authorised,
            Status::Paid,
            Status::Billed,
            Status::Voided,
            Status::Deleted,
        ]
        .into_iter()
        .find(|status| status.xero() == word)
    }
}

/// How the amounts of a document's lines relate to tax.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LineAmountTypes {
    /// Tax comes on top.
    #[default]
    Exclusive,
    /// Tax is contained.
    Inclusive,
    /// There is no tax.
    NoTax,
}

impl LineAmountTypes {
    /// Xero's word.
    pub const fn xero(self) -> &'static str {
        match self {
            LineAmountTypes::Exclusive => "Exclusive",
            LineAmountTypes::Inclusive => "Inclusive",
            LineAmountTypes::NoTax => "NoTax",
        }
    }
}

/// A tax rate that lines can name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxRate {
    /// Xero's `TaxType`, such as `OUTPUT`.
    pub tax_type: String,
    /// In percent: 10 % is `E4::whole(10)`.
    pub percent: E4,
}

/// The organisation whose books these are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Display name; also the material of its id.
    pub name: String,
    /// Xero's enumeration of Windows time zones, such as `AUSEASTERNSTANDARDTIME`.
    pub time_zone: String,
    /// ISO 4217, such as `AUD`.
    pub base_currency: String,
    /// ISO 3166, such as `AU`.
    pub country: String,
    /// Documents dated on or before this day can't be approved or changed.
    pub period_lock_date: Option<Date>,
    /// Likewise, set by the adviser at the end of the year.
    pub end_of_year_lock_date: Option<Date>,
    /// The rates that lines can name.
    pub tax_rates: Vec<TaxRate>,
}

/// An account of the chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// At most 10 characters; identifies the account.
    pub code: String,
    /// Display name.
    pub name: String,
    /// Xero's `Type`: `INVENTORY`, `DIRECTCOSTS`, `CURRENT`, `EXPENSE`, `REVENUE`, `SALES`, `BANK`, ...
    pub account_type: String,
    /// Xero's `SystemAccount`, such as `DEBTORS`, where it is one.
    pub system_account: Option<String>,
}

/// A customer, a supplier or both.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Unique; identifies the contact in acts.
    pub name: String,
    /// Xero's `ContactNumber`: the key in another system.
    pub contact_number: Option<String>,
    /// Where orders are sent.
    pub email: Option<String>,
    /// Is bought from.
    pub is_supplier: bool,
    /// Is sold to.
    pub is_customer: bool,
}

/// How an item's stock is held.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Tracking {
    /// Xero keeps quantity and cost pool.
    Tracked {
        /// Code of an account of type `INVENTORY`.
        asset_account: String,
        /// Code of the cost of goods sold account.
        cogs_account: String,
    },
    /// Xero knows no quantity.
    Untracked {
        /// Code of the account that purchases are coded to.
        purchase_account: String,
    },
}

/// A product or service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// At most 30 characters, case-sensitive; identifies the item.
    pub code: String,
    /// At most 50 characters.
    pub name: String,
    /// Description on sales.
    pub description: String,
    /// Whether Xero keeps its stock.
    pub tracking: Tracking,
    /// Usual price paid.
    pub purchase_price: E4,
    /// Usual price asked.
    pub sales_price: E4,
    /// Code of the sales account.
    pub sales_account: String,
}

/// A line of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The item, where the line has one. Only these lines can move stock.
    pub item_code: Option<String>,
    /// What is printed; empty takes the item's name.
    pub description: String,
    /// Never negative: the direction is in the document's kind.
    pub quantity: E4,
    /// Price of one, may be negative on lines without a tracked item.
    pub unit_amount: E4,
    /// Account; `None` takes the item's.
    pub account_code: Option<String>,
    /// In percent; only sales invoices have discounts.
    pub discount_percent: E4,
    /// One of the organisation's tax rates; `None` means no tax.
    pub tax_type: Option<String>,
    /// Which line of the present document this one continues, counted from 0. A line that continues none is new
    /// and gets its own `LineItemID`; present lines that no line continues are deleted.
    pub continues: Option<u32>,
    /// At most two tracking options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<TrackingChoice>,
}

/// A tracking option on a line, by the names of category and option.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct TrackingChoice {
    /// Name of the category.
    pub category: String,
    /// Name of the option.
    pub option: String,
}

/// A dimension of reports, with what can be chosen of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackingCategory {
    /// Display name; identifies the category.
    pub name: String,
    /// Names of its options.
    pub options: Vec<String>,
}

/// The status of a manual journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum JournalStatus {
    /// Being written.
    Draft,
    /// In the books.
    Posted,
    /// Thrown away before posting.
    Deleted,
    /// Taken back after posting.
    Voided,
}

impl JournalStatus {
    /// Xero's word.
    pub const fn xero(self) -> &'static str {
        match self {
            JournalStatus::Draft => "DRAFT",
            JournalStatus::Posted => "POSTED",
            JournalStatus::Deleted => "DELETED",
            JournalStatus::Voided => "VOIDED",
        }
    }

    /// Reads Xero's word.
    pub fn parse(word: &str) -> Option<JournalStatus> {
        [JournalStatus::Draft, JournalStatus::Posted, JournalStatus::Deleted, JournalStatus::Voided]
            .into_iter()
            .find(|status| status.xero() == word)
    }
}

/// A manual journal as it is first written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewJournal {
    /// What it is for.
    pub narration: String,
    /// Day in the organisation's time zone.
    pub date: Date,
    /// Draft or posted.
    pub status: JournalStatus,
    /// The lines, which come to zero.
    pub lines: Vec<JournalLine>,
    /// A link back to an app.
    pub url: Option<String>,
}

/// A line of a manual journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalLine {
    /// Above zero a debit, below zero a credit.
    pub amount: E4,
    /// Code of the account.
    pub account_code: String,
    /// Its text.
    pub description: String,
    /// At most two tracking options.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tracking: Vec<TrackingChoice>,
}

/// A foreign currency with its rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217.
    pub code: String,
    /// Foreign units per unit of the base currency, in millionths.
    pub rate_millionths: i64,
}

/// A document as it is first written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewDocument {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number; empty lets Xero choose the next one.
    pub number: String,
    /// Additional text; on a bill Xero has none.
    pub reference: String,
    /// Name of a contact that exists.
    pub contact: String,
    /// Day in the organisation's time zone.
    pub date: Date,
    /// Due date, or the wanted delivery date of a purchase order.
    pub due: Option<Date>,
    /// What the supplier promised; purchase orders only.
    pub expected_arrival: Option<Date>,
    /// Status to be written in.
    pub status: Status,
    /// How amounts relate to tax.
    pub amounts: LineAmountTypes,
    /// `None`: base currency.
    pub currency: Option<Currency>,
    /// The lines, in order.
    pub lines: Vec<Line>,
}

/// Names a document. Bills and supplier credits may share a number: the latest one is meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DocumentName {
    /// What it is.
    pub kind: DocumentKind,
    /// Its number.
    pub number: String,
}

/// What changes on a document; `None` leaves a part as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changes {
    /// New number.
    pub number: Option<String>,
    /// New reference.
    pub reference: Option<String>,
    /// New contact, by name.
    pub contact: Option<String>,
    /// New date.
    pub date: Option<Date>,
    /// New due or delivery date.
    pub due: Option<Date>,
    /// New promise of the supplier.
    pub expected_arrival: Option<Date>,
    /// New currency or rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// New status.
    pub status: Option<Status>,
    /// All lines that the document has from now on.
    pub lines: Option<Vec<Line>>,
    /// Whether it counts as sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sent: Option<bool>,
}

/// One thing done to the books.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Sets the organisation up, or changes its settings. Comes first.
    SetUpOrganisation(Organisation),
    /// Adds an account or changes the one with this code.
    UpsertAccount(Account),
    /// Adds a contact or changes the one with this name.
    UpsertContact(Contact),
    /// Adds an item or changes the one with this code.
    UpsertItem(Item),
    /// Writes a document.
    CreateDocument(NewDocument),
    /// Changes a document, its status included.
    EditDocument {
        /// Which one.
        document: DocumentName,
        /// What changes.
        changes: Changes,
    },
    /// Changes a document that only its id tells from others, as bills of one number.
    EditDocumentById {
        /// Its id.
        id: Uuid,
        /// What changes.
        changes: Changes,
    },
    /// Changes documents without any change, as opening and saving them does: only `UpdatedDateUTC` moves.
    Touch {
        /// Their ids.
        documents: Vec<Uuid>,
    },
    /// Gives an item another code.
    RenameItem {
        /// Its present code.
        code: String,
        /// Its code from now on.
        new_code: String,
    },
    /// Marks an item as inactive or takes that back, which people can do in Xero and no app can.
    ArchiveItem {
        /// Its code.
        code: String,
        /// Whether it is inactive from now on.
        archived: bool,
    },
    /// Removes an item that stands on no document.
    DeleteItem {
        /// Its code.
        code: String,
    },
    /// Merges a contact into another: its documents go there, and it is archived.
    MergeContacts {
        /// Name of the one that goes.
        from: String,
        /// Name of the one that stays.
        into: String,
    },
    /// Adds a tracking category or changes the one with this name.
    UpsertTrackingCategory(TrackingCategory),
    /// Says what plan and role don't allow, by Xero's names such as `CreateApprovedBill`; all else is allowed.
    ForbidActions(Vec<String>),
    /// Writes a manual journal.
    CreateJournal(NewJournal),
    /// Changes a manual journal.
    EditJournal {
        /// Its id.
        id: Uuid,
        /// Another narration.
        narration: Option<String>,
        /// Another status.
        status: Option<JournalStatus>,
        /// Other lines.
        lines: Option<Vec<JournalLine>>,
    },
    /// Sets a part of a credit note against an invoice or a bill.
    Allocate {
        /// Id of the credit note.
        credit: Uuid,
        /// Id of the invoice or bill.
        invoice: Uuid,
        /// How much.
        amount: E4,
        /// The day it counts from.
        date: Date,
    },
    /// Puts a file beside a document.
    Attach {
        /// Id of the document.
        of: Uuid,
        /// Its name.
        file_name: String,
        /// Its form.
        mime_type: String,
        /// Its length in bytes.
        length: usize,
        /// What it has in it, in base64.
        #[serde(default)]
        content: String,
    },
    /// Puts a note into a history.
    AddNote {
        /// Id of the document, item or contact.
        of: Uuid,
        /// At most 2,500 characters.
        details: String,
    },
}

impl Act {
    /// The act that only moves a document to another status: approve, pay, void, delete, mark as billed.
    pub fn set_status(kind: DocumentKind, number: &str, status: Status) -> Act {
        Act::EditDocument {
            document: DocumentName { kind, number: number.to_owned() },
            changes: Changes { status: Some(status), ..Changes::default() },
        }
    }

    /// The act that puts a file beside a document.
    pub fn attach(of: Uuid, file_name: &str, content: &[u8]) -> Act {
        Act::Attach {
            of,
            file_name: file_name.to_owned(),
            mime_type: form_of(file_name).to_owned(),
            length: content.len(),
            content: STANDARD.encode(content),
        }
    }
}

/// The form of a file by its name.
pub(crate) fn form_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).as_deref() {
        Some("pdf") => "application/pdf",
        Some("png") => "image/png",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("csv") => "text/csv",
        _ => "application/octet-stream",
    }
}

/// An act with its instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedAct {
    /// When it is done (UTC); becomes `UpdatedDateUTC` of what it changes.
    pub at: Timestamp,
    /// What is done.
    pub act: Act,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_and_shown_exactly() {
        for (text, value) in
            [("0", 0), ("12.5", 125_000), ("-0.0001", -1), ("2.00005", 20_001), ("-7", -70_000)]
        {
            assert_eq!(E4::parse(text), Some(E4(value)), "{text}");
        }
        for text in ["", "-", ".5", "1e3", "1,5", "9223372036854775807", "1.2.3", "+1", " 1"] {
            assert_eq!(E4::parse(text), None, "{text}");
        }
        assert_eq!(E4(-5_000).to_string(), "-0.5000");
    }

    #[test]
    fn halves_round_away_from_zero() {
        assert_eq!(E4::parse("2.165").map(E4::round2), Some(E4::cents(217)));
        assert_eq!(E4::parse("-2.165").map(E4::round2), Some(E4::cents(-217)));
        assert_eq!(E4::parse("2.1649").map(E4::round2), Some(E4::cents(216)));
        assert_eq!(E4::whole(3).times(E4(3_333)), E4(9_999));
    }
}
