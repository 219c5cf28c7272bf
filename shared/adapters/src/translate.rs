//! Xero's papers in the words of the domain, and ours in Xero's: the one place where both are known.
//!
//! What can't be understood is an error of that one document with its reason, so that a person can look at it and
//! the rest of its page is booked.
//!
//! Rules:
//! - The net of a line is its `LineAmount` (discounts are taken off already), less its `TaxAmount` where amounts are
//!   tax inclusive, divided by `CurrencyRate` (units of the document's currency for one of the base currency),
//!   computed exactly and rounded once, half away from zero, to 1/10 000.
//!   What it was in the document's currency stays beside it, and so does the rate.
//! - A line without `LineAmount` has quantity × price less discount, rounded to hundredths as Xero does. A line
//!   without `TaxAmount` has no tax.
//! - A foreign document without a rate can't be valued, so it is an error.
//! - Which invoices a customer's credit note is set against is what says which sales its goods were of.
//! - A line without an id gets one derived from its document and its place.
//! - Spend and receive money book; transfers between own accounts carry no goods and are left out. Prepayments and
//!   overpayments stand among the bank transactions too: they are read there and nowhere else, and book where a line
//!   names an item.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::adjustment::AdjustmentDraft;
use parstock_domain::document::{
    Account, BillDraft, Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus,
    ForeignCurrency, Item, ItemRef, OrderDraft, OrderDraftLine, Organisation, SET_AGAINST_MAX, XeroQuantity,
};
use parstock_domain::fixed::{FixedError, Money, Quantity};
use parstock_domain::ids::{ContactId, DocumentId, ItemId, LineId, OrgId, derived};
use parstock_domain::manual_journal::{
    JournalInXero, JournalState, ManualJournal, ManualJournalLine, StateInXero,
};
use parstock_domain::prices::PriceWrite;
use parstock_xero::model::{
    self as wire, Allocation, BankTransactionStatus, BankTransactionType, ContactRef, CreditNoteType,
    InvoiceStatus, InvoiceType, LineAmountTypes, LineItem, NewBill, NewCreditNote, NewJournalLine,
    NewJournalStatus, NewLineItem, NewManualJournal, NewPurchaseOrder, NewStatus, PurchaseOrderStatus,
};
use parstock_xero::{Decimal, DecimalError, InputError};
use thiserror::Error;
use uuid::Uuid;

/// Why a document can't be understood. No text repeats what people wrote.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub(crate) enum Puzzle {
    /// A field that every document needs is missing.
    #[error("Xero sent no {0}")]
    Missing(&'static str),
    /// A word of Xero's that this version does not know.
    #[error("its {what} `{word}` is not known to this version of parstock")]
    UnknownWord {
        /// What the word is.
        what: &'static str,
        /// The word.
        word: String,
    },
    /// The document's currency is not the org's, and no rate says what it is worth.
    #[error("it is in {0} and Xero sent no exchange rate")]
    NoRate(String),
    /// An exchange rate of zero or below.
    #[error("its exchange rate is not above zero")]
    BadRate,
    /// A figure that the ledger can't hold.
    #[error("a figure on line {line} is beyond what the ledger can hold")]
    TooLarge {
        /// Which line, from 1.
        line: usize,
    },
}

/// What the translation of one org's papers depends on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Books {
    /// ISO code of the org's currency, once it is known.
    pub(crate) base_currency: Option<String>,
}

/// The parts that all documents share.
struct Paper {
    of: DocumentRef,
    status: DocumentStatus,
    number: Option<String>,
    reference: Option<String>,
    contact: Option<ContactRef>,
    date: Option<Date>,
    expected_on: Option<Date>,
    updated_at: Option<Timestamp>,
    amounts: Option<LineAmountTypes>,
    currency: Option<String>,
    rate: Option<Decimal>,
    lines: Vec<LineItem>,
}

impl Books {
    /// A sales invoice or a bill.
    pub(crate) fn invoice(&self, from: wire::Invoice) -> Result<Document, Puzzle> {
        let kind = match from.kind.ok_or(Puzzle::Missing("type"))? {
            InvoiceType::Sale => DocumentKind::SalesInvoice,
            InvoiceType::Bill => DocumentKind::Bill,
            InvoiceType::Other(word) => return Err(Puzzle::UnknownWord { what: "type", word }),
        };
        self.paper(Paper {
            of: DocumentRef { kind, id: DocumentId(from.invoice_id) },
            status: invoice_status(from.status)?,
            number: from.invoice_number,
            reference: from.reference,
            contact: from.contact,
            date: from.date,
            expected_on: None,
            updated_at: from.updated_at,
            amounts: from.line_amount_types,
            currency: from.currency_code,
            rate: from.currency_rate,
            lines: from.line_items,
        })
    }

    /// A bill over nothing that brings tracked stock in.
    ///
    /// # Errors
    /// [`FixedError`] when an amount does not fit.
    pub(crate) fn adjusting_bill(&self, draft: &AdjustmentDraft) -> Result<NewBill, FixedError> {
        Ok(NewBill {
            invoice_number: draft.number.to_string(),
            contact_id: draft.contact.0,
            status: NewStatus::Authorised,
            date: draft.date,
            due_date: Some(draft.date),
            line_amount_types: Some(LineAmountTypes::NoTax),
            // whatever currency the contact has
            currency_code: self.base_currency.clone(),
            currency_rate: None,
            url: None,
            line_items: adjusting_lines(draft)?,
        })
    }

    /// A supplier's credit note over nothing that takes tracked stock out.
    ///
    /// # Errors
    /// As [`Self::adjusting_bill`].
    pub(crate) fn adjusting_credit_note(&self, draft: &AdjustmentDraft) -> Result<NewCreditNote, FixedError> {
        Ok(NewCreditNote {
            kind: CreditNoteType::Bill,
            credit_note_number: draft.number.to_string(),
            contact_id: draft.contact.0,
            status: NewStatus::Authorised,
            date: draft.date,
            line_amount_types: Some(LineAmountTypes::NoTax),
            currency_code: self.base_currency.clone(),
            currency_rate: None,
            line_items: adjusting_lines(draft)?,
        })
    }

    /// A credit note of either kind.
    pub(crate) fn credit_note(&self, from: wire::CreditNote) -> Result<Document, Puzzle> {
        let kind = match from.kind.ok_or(Puzzle::Missing("type"))? {
            CreditNoteType::Sale => DocumentKind::SalesCredit,
            CreditNoteType::Bill => DocumentKind::SupplierCredit,
            CreditNoteType::Other(word) => return Err(Puzzle::UnknownWord { what: "type", word }),
        };
        let set_against = match kind {
            DocumentKind::SalesCredit => set_against(&from.allocations),
            _ => Vec::new(),
        };
        let document = self.paper(Paper {
            of: DocumentRef { kind, id: DocumentId(from.credit_note_id) },
            status: invoice_status(from.status)?,
            number: from.credit_note_number,
            reference: from.reference,
            contact: from.contact,
            date: from.date,
            expected_on: None,
            updated_at: from.updated_at,
            amounts: from.line_amount_types,
            currency: from.currency_code,
            rate: from.currency_rate,
            lines: from.line_items,
        })?;
        Ok(Document { set_against, ..document })
    }

    /// A purchase order.
    pub(crate) fn purchase_order(&self, from: wire::PurchaseOrder) -> Result<Document, Puzzle> {
        let status = match from.status.ok_or(Puzzle::Missing("status"))? {
            PurchaseOrderStatus::Draft => DocumentStatus::Draft,
            PurchaseOrderStatus::Submitted => DocumentStatus::Submitted,
            PurchaseOrderStatus::Authorised => DocumentStatus::Authorised,
            PurchaseOrderStatus::Billed => DocumentStatus::Billed,
            PurchaseOrderStatus::Deleted => DocumentStatus::Deleted,
            PurchaseOrderStatus::Other(word) => return Err(Puzzle::UnknownWord { what: "status", word }),
        };
        self.paper(Paper {
            of: DocumentRef { kind: DocumentKind::PurchaseOrder, id: DocumentId(from.purchase_order_id) },
            status,
            number: from.purchase_order_number,
            reference: from.reference,
            contact: from.contact,
            date: from.date,
            expected_on: from.expected_arrival_date.or(from.delivery_date),
            updated_at: from.updated_at,
            amounts: from.line_amount_types,
            currency: from.currency_code,
            rate: from.currency_rate,
            lines: from.line_items,
        })
    }

    /// Spend or receive money; `None` for money between own accounts.
    ///
    /// Of money in advance only the lines that name an item count: the rest is what an invoice or a bill will say again. One
    /// without such lines is a document without lines, since it may have had some.
    pub(crate) fn bank_transaction(&self, from: wire::BankTransaction) -> Result<Option<Document>, Puzzle> {
        use BankTransactionType::{
            Other, Receive, ReceiveOverpayment, ReceivePrepayment, ReceiveTransfer, Spend, SpendOverpayment,
            SpendPrepayment, SpendTransfer,
        };
        let kind = match from.kind.as_ref().ok_or(Puzzle::Missing("type"))? {
            Spend | SpendPrepayment | SpendOverpayment => DocumentKind::SpendMoney,
            Receive | ReceivePrepayment | ReceiveOverpayment => DocumentKind::ReceiveMoney,
            SpendTransfer | ReceiveTransfer => return Ok(None),
            Other(word) => return Err(Puzzle::UnknownWord { what: "type", word: word.clone() }),
        };
        let in_advance = from.is_advance();
        let mut lines = from.line_items;
        lines.retain(|line| !in_advance || item(line).is_some());
        // where no line counts no rate is needed
        let (currency, rate) = match in_advance && lines.is_empty() {
            true => (None, None),
            false => (from.currency_code, from.currency_rate),
        };
        let status = match from.status.ok_or(Puzzle::Missing("status"))? {
            BankTransactionStatus::Authorised => DocumentStatus::Authorised,
            BankTransactionStatus::Voided => DocumentStatus::Voided,
            BankTransactionStatus::Deleted => DocumentStatus::Deleted,
            BankTransactionStatus::Other(word) => return Err(Puzzle::UnknownWord { what: "status", word }),
        };
        // Money may come from nobody in particular; only bills and orders are looked at for their contact.
        let contact = from.contact.unwrap_or_default();
        let contact = ContactRef { contact_id: contact.contact_id.or(Some(Uuid::nil())), ..contact };
        self.paper(Paper {
            of: DocumentRef { kind, id: DocumentId(from.bank_transaction_id) },
            status,
            number: None,
            reference: from.reference,
            contact: Some(contact),
            date: from.date,
            expected_on: None,
            updated_at: from.updated_at,
            amounts: from.line_amount_types,
            currency,
            rate,
            lines,
        })
        .map(|document| Some(Document { in_advance, ..document }))
    }

    fn paper(&self, from: Paper) -> Result<Document, Puzzle> {
        let contact = from.contact.unwrap_or_default();
        let foreign = self.foreign(from.rate, from.currency.as_ref());
        let rate = self.rate(from.rate, from.currency)?;
        let inclusive = match from.amounts {
            Some(LineAmountTypes::Inclusive) => true,
            Some(LineAmountTypes::Exclusive | LineAmountTypes::NoTax) | None => false,
            Some(LineAmountTypes::Other(word)) => {
                return Err(Puzzle::UnknownWord { what: "line amount type", word });
            }
        };
        let mut ids = BTreeSet::new();
        let mut lines = Vec::with_capacity(from.lines.len());
        for (at, line) in from.lines.into_iter().enumerate() {
            let by_place = || derived("xero line", &[&from.of.id.to_string(), &at.to_string()]);
            // An id that two lines share can't tell them apart.
            let id = line.line_item_id.filter(|id| ids.insert(*id)).unwrap_or_else(by_place);
            let translated = self::line(LineId(id), line, inclusive, rate, foreign.is_some());
            lines.push(translated.map_err(|_| Puzzle::TooLarge { line: at.saturating_add(1) })?);
        }
        Ok(Document {
            of: from.of,
            number: from.number.unwrap_or_default(),
            reference: from.reference.unwrap_or_default(),
            status: from.status,
            contact: ContactId(contact.contact_id.ok_or(Puzzle::Missing("contact"))?),
            contact_name: contact.name.unwrap_or_default(),
            date: from.date.ok_or(Puzzle::Missing("date"))?,
            expected_on: from.expected_on,
            updated_at: from.updated_at.ok_or(Puzzle::Missing("time of its last change"))?,
            in_advance: false,
            set_against: Vec::new(),
            foreign,
            lines,
        })
    }

    /// A document's currency if it is not the org's.
    fn foreign(&self, rate: Option<Decimal>, currency: Option<&String>) -> Option<ForeignCurrency> {
        let code = currency.filter(|code| self.base_currency.as_ref().is_some_and(|base| base != *code))?;
        Some(ForeignCurrency { code: code.clone(), rate: rate?.to_string() })
    }

    fn rate(&self, rate: Option<Decimal>, currency: Option<String>) -> Result<Decimal, Puzzle> {
        match (rate, currency, &self.base_currency) {
            (Some(rate), ..) if rate.units() > 0 => Ok(rate),
            (Some(_), ..) => Err(Puzzle::BadRate),
            (None, Some(foreign), Some(base)) if foreign != *base => Err(Puzzle::NoRate(foreign)),
            (None, ..) => Ok(Decimal::from(1)),
        }
    }
}

/// The invoices against which a credit note is set, the earliest first.
fn set_against(allocations: &[Allocation]) -> Vec<DocumentId> {
    let standing = allocations.iter().filter(|allocation| allocation.is_deleted != Some(true));
    let named =
        standing.filter_map(|allocation| Some((allocation.date, allocation.invoice.as_ref()?.invoice_id?)));
    let mut invoices = Vec::new();
    for (_, invoice) in named.collect::<BTreeSet<_>>() {
        let invoice = DocumentId(invoice);
        if invoices.len() < SET_AGAINST_MAX && !invoices.contains(&invoice) {
            invoices.push(invoice);
        }
    }
    invoices
}

fn invoice_status(status: Option<InvoiceStatus>) -> Result<DocumentStatus, Puzzle> {
    Ok(match status.ok_or(Puzzle::Missing("status"))? {
        InvoiceStatus::Draft => DocumentStatus::Draft,
        InvoiceStatus::Submitted => DocumentStatus::Submitted,
        InvoiceStatus::Authorised => DocumentStatus::Authorised,
        InvoiceStatus::Paid => DocumentStatus::Paid,
        InvoiceStatus::Voided => DocumentStatus::Voided,
        InvoiceStatus::Deleted => DocumentStatus::Deleted,
        InvoiceStatus::Other(word) => return Err(Puzzle::UnknownWord { what: "status", word }),
    })
}

fn line(
    id: LineId,
    from: LineItem,
    inclusive: bool,
    rate: Decimal,
    is_foreign: bool,
) -> Result<DocumentLine, DecimalError> {
    let quantity = from.quantity.unwrap_or_default();
    let unit_amount = from.unit_amount.unwrap_or_default();
    let amount = match from.line_amount {
        Some(amount) => Fraction::of(amount),
        None => computed_amount(quantity, unit_amount, from.discount_rate, from.discount_amount)?,
    };
    let tax = if inclusive { Fraction::of(from.tax_amount.unwrap_or_default()) } else { Fraction::ZERO };
    let own_net = amount.minus(tax)?;
    let net = own_net.divided_by(Fraction::of(rate))?;
    Ok(DocumentLine {
        id,
        item: item(&from),
        description: from.description.unwrap_or_default(),
        quantity: Quantity::from_e4(quantity.to_e4_half_up()?),
        unit_amount: Money::from_e4(unit_amount.to_e4_half_up()?),
        net: Money::from_e4(net.rounded(4)?),
        foreign_net: is_foreign.then(|| own_net.rounded(4).map(Money::from_e4)).transpose()?,
        account: from.account_code.unwrap_or_default(),
        unit: None,
    })
}

/// What Xero would write into `LineAmount`: rounded to hundredths, half away from zero.
fn computed_amount(
    quantity: Decimal,
    unit_amount: Decimal,
    discount_rate: Option<Decimal>,
    discount_amount: Option<Decimal>,
) -> Result<Fraction, DecimalError> {
    const HUNDREDTHS: u32 = 2;
    let full = Fraction::of(quantity).times(Fraction::of(unit_amount))?;
    let left = match (discount_rate, discount_amount) {
        (Some(percent), _) if !percent.is_zero() => {
            let hundred = Fraction::of(Decimal::from(100));
            let share = hundred.minus(Fraction::of(percent))?.divided_by(hundred)?;
            full.times(share)?
        }
        (_, Some(discount)) => full.minus(Fraction::of(discount))?,
        _ => full,
    };
    Ok(Fraction::of(Decimal::new(left.rounded(HUNDREDTHS)?.into(), HUNDREDTHS)?))
}

/// How a line names its item; an empty code is none.
fn item(line: &LineItem) -> Option<ItemRef> {
    let named = line.item.as_ref();
    let id = named.and_then(|item| item.item_id).filter(|id| !id.is_nil()).map(ItemId);
    let code = [line.item_code.as_ref(), named.and_then(|item| item.code.as_ref())];
    let code = code.into_iter().flatten().find(|code| !code.is_empty()).cloned();
    (id.is_some() || code.is_some()).then(|| ItemRef { id, code: code.unwrap_or_default() })
}

/// An exact quotient, so that an amount is rounded once and not at each step.
#[derive(Clone, Copy)]
struct Fraction {
    numerator: i128,
    denominator: i128,
}

impl Fraction {
    const ZERO: Self = Self { numerator: 0, denominator: 1 };

    fn of(decimal: Decimal) -> Self {
        // A decimal has at most 38 places, and ten to the 38th fits.
        Self { numerator: decimal.units(), denominator: 10_i128.saturating_pow(decimal.scale()) }
    }

    /// In lowest terms, so that the next step rarely overflows.
    fn new(numerator: i128, denominator: i128) -> Result<Self, DecimalError> {
        let (mut divisor, mut rest) = (numerator.unsigned_abs(), denominator.unsigned_abs());
        while rest != 0 {
            (divisor, rest) = (rest, divisor.checked_rem(rest).unwrap_or(0));
        }
        let divisor = i128::try_from(divisor).unwrap_or(1).max(1);
        let sign = if denominator < 0 { -1 } else { 1 };
        let lowest = |value: i128| value.checked_div(divisor).and_then(|value| value.checked_mul(sign));
        match (lowest(numerator), lowest(denominator)) {
            (Some(numerator), Some(denominator)) if denominator != 0 => Ok(Self { numerator, denominator }),
            _ => Err(DecimalError::TooManyDigits),
        }
    }

    fn times(self, other: Self) -> Result<Self, DecimalError> {
        let product = |a: i128, b: i128| a.checked_mul(b).ok_or(DecimalError::TooManyDigits);
        Self::new(product(self.numerator, other.numerator)?, product(self.denominator, other.denominator)?)
    }

    fn divided_by(self, other: Self) -> Result<Self, DecimalError> {
        self.times(Self::new(other.denominator, other.numerator)?)
    }

    fn minus(self, other: Self) -> Result<Self, DecimalError> {
        let cross = |a: i128, b: i128| a.checked_mul(b).ok_or(DecimalError::TooManyDigits);
        let left = cross(self.numerator, other.denominator)?;
        let right = cross(other.numerator, self.denominator)?;
        let difference = left.checked_sub(right).ok_or(DecimalError::TooManyDigits)?;
        Self::new(difference, cross(self.denominator, other.denominator)?)
    }

    /// In units of ten to the power of `-decimals`, half away from zero.
    fn rounded(self, decimals: u32) -> Result<i64, DecimalError> {
        let too_large = || DecimalError::TooManyDigits;
        let scaled = self.numerator.checked_mul(10_i128.saturating_pow(decimals)).ok_or_else(too_large)?;
        let (whole, rest) = (scaled.checked_div(self.denominator), scaled.checked_rem(self.denominator));
        let (whole, rest) = (whole.ok_or_else(too_large)?, rest.ok_or_else(too_large)?);
        let half_or_more = rest.unsigned_abs() >= self.denominator.unsigned_abs().div_ceil(2);
        let rounded = if half_or_more { whole.checked_add(scaled.signum()) } else { Some(whole) };
        rounded.and_then(|value| i64::try_from(value).ok()).ok_or_else(too_large)
    }
}

/// An item.
///
/// # Errors
/// When a figure is beyond what the ledger can hold.
pub(crate) fn stock_item(from: wire::Item) -> Result<Item, DecimalError> {
    let tracked = from.is_tracked_as_inventory.unwrap_or(false);
    let quantity = if tracked { xero_quantity(&from)? } else { None };
    let (purchase, sales) =
        (from.purchase_details.unwrap_or_default(), from.sales_details.unwrap_or_default());
    let price =
        |price: Option<Decimal>| price.map(|price| price.to_e4_half_up().map(Money::from_e4)).transpose();
    let purchase_account =
        if tracked { from.inventory_asset_account_code } else { purchase.account_code }.unwrap_or_default();
    Ok(Item {
        id: ItemId(from.item_id),
        name: from.name.filter(|name| !name.is_empty()).unwrap_or_else(|| from.code.clone()),
        code: from.code,
        tracked,
        purchase_price: price(purchase.unit_price)?,
        sales_price: price(sales.unit_price)?,
        purchase_account,
        purchase_tax: purchase.tax_type.unwrap_or_default(),
        sales_account: sales.account_code.unwrap_or_default(),
        quantity,
        // Only shown; changes of an item are found by comparing its content.
        updated_at: from.updated_at.unwrap_or(Timestamp::UNIX_EPOCH),
        priced_at: None,
    })
}

/// What Xero holds of an item; `None` if it does not say how many.
///
/// # Errors
/// When a figure is beyond what the ledger can hold.
pub(crate) fn xero_quantity(from: &wire::Item) -> Result<Option<XeroQuantity>, DecimalError> {
    let Some(on_hand) = from.quantity_on_hand else { return Ok(None) };
    Ok(Some(XeroQuantity {
        on_hand: Quantity::from_e4(on_hand.to_e4_half_up()?),
        back_ordered: Quantity::from_e4(from.quantity_on_back_order.unwrap_or_default().to_e4_half_up()?),
        cost_pool: Money::from_e4(from.total_cost_pool.unwrap_or_default().to_e4_half_up()?),
    }))
}

/// The accounts, each with what the balance sheet has on it: one that is not there has nothing on it.
pub(crate) fn accounts(
    from: Vec<wire::Account>,
    sheet: wire::BalanceSheet,
) -> Result<Vec<Account>, DecimalError> {
    let mut balances = BTreeMap::new();
    for row in sheet.rows {
        if let Some(id) = row.account_id {
            balances.insert(id, Money::from_e4(row.amount.to_e4_half_up()?));
        }
    }
    let account = |account: wire::Account| Account {
        balance: balances.get(&account.account_id).copied().unwrap_or_default(),
        code: account.code.unwrap_or_default(),
        name: account.name.unwrap_or_default(),
        kind: account.kind.unwrap_or_default(),
    };
    Ok(from.into_iter().map(account).collect())
}

/// A contact.
pub(crate) fn contact(from: wire::Contact) -> Contact {
    Contact {
        id: ContactId(from.contact_id),
        name: from.name.unwrap_or_default(),
        archived: from.contact_status == Some(wire::ContactStatus::Archived),
        only_customer: from.is_customer == Some(true) && from.is_supplier != Some(true),
        merged_into: from.merged_into.filter(|into| !into.is_nil()).map(ContactId),
    }
}

/// The organisation.
///
/// # Errors
/// When it names no currency.
pub(crate) fn organisation(from: wire::Organisation) -> Result<Organisation, Puzzle> {
    Ok(Organisation {
        id: OrgId(from.organisation_id),
        name: from.name.or(from.legal_name).unwrap_or_else(|| "an organisation without a name".to_owned()),
        xero_time_zone: from.timezone.unwrap_or_default(),
        base_currency: from.base_currency.ok_or(Puzzle::Missing("base currency"))?,
        country: from.country_code.unwrap_or_default(),
        short_code: from.short_code.unwrap_or_default(),
        period_lock_date: from.period_lock_date,
        end_of_year_lock_date: from.end_of_year_lock_date,
    })
}

/// A purchase order to be written: always a draft.
pub(crate) fn new_order(draft: &OrderDraft) -> NewPurchaseOrder {
    let given = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let line = |line: &OrderDraftLine| NewLineItem {
        item_code: Some(line.item_code.clone()),
        description: given(&line.description),
        quantity: Some(Decimal::from_e4(line.quantity.e4())),
        unit_amount: Some(Decimal::from_e4(line.unit_price.e4())),
        account_code: given(&line.account),
        tax_type: given(&line.tax),
        tracking: Vec::new(),
    };
    NewPurchaseOrder {
        purchase_order_number: draft.number.clone(),
        contact_id: draft.supplier.0,
        status: PurchaseOrderStatus::Draft,
        date: draft.date,
        delivery_date: Some(draft.wanted_on),
        line_amount_types: Some(LineAmountTypes::Exclusive),
        reference: given(&draft.reference),
        currency_code: None,
        delivery_instructions: None,
        line_items: draft.lines.iter().map(line).collect(),
    }
}

/// What one unit of a line with a discount costs: bills have none.
fn after_discount(line: &LineItem) -> Option<Decimal> {
    let is_something = |amount: Option<Decimal>| amount.is_some_and(|amount| amount != Decimal::default());
    if !(is_something(line.discount_rate) || is_something(line.discount_amount)) {
        return None;
    }
    let amount = Money::from_e4(line.line_amount?.to_e4_half_up().ok()?);
    let quantity = Quantity::from_e4(line.quantity?.to_e4_half_up().ok()?);
    amount.per_unit(quantity).ok().map(|price| Decimal::from_e4(price.e4()))
}

/// The draft of a bill for goods of an order, in Xero's words: at the order's own prices, accounts, taxes and tracking.
///
/// # Errors
/// Says which line is not on the order any more, or that the order is another one.
pub(crate) fn new_bill(order: wire::PurchaseOrder, draft: &BillDraft) -> Result<NewBill, String> {
    let number = &draft.order_number;
    if order.purchase_order_id != draft.order.0 {
        return Err(format!("the order with the number {number} is another one by now"));
    }
    let mut lines = Vec::new();
    for (id, quantity) in &draft.lines {
        let line = order.line_items.iter().find(|line| line.line_item_id == Some(id.0));
        let Some(line) = line else {
            return Err(format!("a line of order {number} that came in is not on it any more"));
        };
        lines.push(NewLineItem {
            item_code: line.item_code.clone(),
            description: line.description.clone(),
            quantity: Some(Decimal::from_e4(quantity.e4())),
            unit_amount: after_discount(line).or(line.unit_amount),
            account_code: line.account_code.clone(),
            tax_type: line.tax_type.clone(),
            tracking: line.tracking.clone(),
        });
    }
    Ok(NewBill {
        invoice_number: draft.number.clone(),
        contact_id: draft.supplier.0,
        status: NewStatus::Draft,
        date: draft.date,
        due_date: None,
        line_amount_types: order.line_amount_types,
        currency_code: order.currency_code,
        currency_rate: None,
        url: None,
        line_items: lines,
    })
}

/// The lines of a document over nothing: each with another of the same quantity and the opposite price on the account of
/// adjustments, so that the two amounts are rounded alike (developer.xero.com, *Tracked inventory in Xero*).
fn adjusting_lines(draft: &AdjustmentDraft) -> Result<Vec<NewLineItem>, FixedError> {
    let mut lines = Vec::new();
    for line in &draft.lines {
        let one = |item_code: Option<&String>, unit: Money, account: &str| NewLineItem {
            item_code: item_code.cloned(),
            description: Some(line.description.clone()),
            quantity: Some(Decimal::from_e4(line.quantity.e4())),
            unit_amount: Some(Decimal::from_e4(unit.e4())),
            account_code: (!account.is_empty()).then(|| account.to_owned()),
            tax_type: None,
            tracking: Vec::new(),
        };
        lines.push(one(Some(&line.item_code), line.unit_cost, &line.account));
        lines.push(one(None, line.unit_cost.negated()?, &draft.account));
    }
    Ok(lines)
}

/// A journal of ours in Xero's words: what is sold leaves the stock account for cost of goods sold.
///
/// # Errors
/// When the client refuses it.
pub(crate) fn new_journal(from: &ManualJournal) -> Result<NewManualJournal, InputError> {
    let line = |line: &ManualJournalLine| NewJournalLine {
        line_amount: Decimal::from_e4(line.amount.e4()),
        account_code: line.account.clone(),
        description: Some(line.what.clone()),
        tracking: Vec::new(),
    };
    let lines = from.lines.iter().map(line).collect();
    let status = match from.state {
        JournalState::Draft => NewJournalStatus::Draft,
        JournalState::Posted => NewJournalStatus::Posted,
    };
    NewManualJournal::new(from.narration.clone(), from.date, status, lines)
}

/// The update that sets an item's purchase price; `None` where it has that price already.
///
/// # Errors
/// Says that a person has set another price since, or none.
pub(crate) fn price_update(
    item: &wire::Item,
    price: &PriceWrite,
) -> Result<Option<wire::ItemUpdate>, String> {
    let there = item.purchase_details.as_ref().and_then(|details| details.unit_price.as_ref());
    let there = there.and_then(|there| there.to_e4_half_up().ok()).map(Money::from_e4);
    if there == Some(price.to) {
        return Ok(None);
    }
    if there != Some(price.from) {
        let now = there.map_or_else(|| "none".to_owned(), |there| there.to_string());
        return Err(format!(
            "its price in Xero is {now} now and was {} when this was proposed: somebody changed it there",
            price.from
        ));
    }
    Ok(Some(wire::ItemUpdate::of(item).with_purchase_price(Decimal::from_e4(price.to.e4()))))
}

/// A journal as Xero holds it.
///
/// # Errors
/// When its state is unknown or an amount does not fit.
pub(crate) fn journal(from: wire::ManualJournal) -> Result<JournalInXero, Puzzle> {
    use wire::JournalStatus::{Archived, Deleted, Draft, Posted, Voided};
    let state = match from.status.ok_or(Puzzle::Missing("status"))? {
        Draft => StateInXero::Draft,
        Posted => StateInXero::Posted,
        Deleted | Voided | Archived => StateInXero::Gone,
        other => return Err(Puzzle::UnknownWord { what: "status", word: other.to_string() }),
    };
    let mut amounts: BTreeMap<String, Money> = BTreeMap::new();
    for (index, line) in (1..).zip(from.journal_lines) {
        let (Some(account), Some(amount)) = (line.account_code, line.line_amount) else { continue };
        let amount = amount.to_e4_half_up().map_err(|_| Puzzle::TooLarge { line: index })?;
        let sum = amounts.entry(account).or_default();
        *sum = sum.plus(Money::from_e4(amount)).map_err(|_| Puzzle::TooLarge { line: index })?;
    }
    Ok(JournalInXero {
        id: DocumentId(from.manual_journal_id),
        state,
        narration: from.narration.unwrap_or_default(),
        amounts,
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const ID: &str = "11111111-1111-4111-8111-111111111111";
    const CONTACT: &str = "22222222-2222-4222-8222-222222222222";
    const LINE: &str = "33333333-3333-4333-8333-333333333333";

    fn books() -> Books {
        Books { base_currency: Some("AUD".to_owned()) }
    }

    /// A bill with these fields on top.
    fn bill(fields: Value) -> wire::Invoice {
        let mut body = json!({
            "InvoiceID": ID, "Type": "ACCPAY", "Status": "AUTHORISED", "Contact": {"ContactID": CONTACT, "Name": "Acme"},
            "Date": "2026-10-01", "UpdatedDateUTC": "/Date(1790812800000+0000)/", "LineItems": [],
        });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_str(&body.to_string()).unwrap()
    }

    fn net(fields: Value) -> Result<String, Puzzle> {
        Ok(books().invoice(bill(fields))?.lines[0].net.to_string())
    }

    #[test]
    fn a_customers_credit_note_names_the_invoices_against_which_it_is_set() {
        let invoice = |number: u128| Uuid::from_u128(number).to_string();
        let against = |number: u128, date: &str, is_deleted: bool| json!({"Amount": 5, "Date": date, "IsDeleted": is_deleted, "Invoice": {"InvoiceID": invoice(number)}});
        let note = |kind: &str, allocations: Value| {
            let body = json!({
                "CreditNoteID": ID, "Type": kind, "Status": "PAID", "Contact": {"ContactID": CONTACT}, "Date": "2026-10-01",
                "UpdatedDateUTC": "2026-10-01T00:00:00", "Allocations": allocations,
            });
            let note = books().credit_note(serde_json::from_str(&body.to_string()).unwrap()).unwrap();
            note.set_against.into_iter().map(|invoice| invoice.0.as_u128()).collect::<Vec<_>>()
        };
        let allocations = json!([
            against(3, "2026-10-09", false),
            against(1, "2026-10-08", false),
            against(2, "2026-10-01", true),
            against(1, "2026-10-10", false),
        ]);
        assert_eq!(note("ACCRECCREDIT", allocations.clone()), [1, 3], "the earliest first, each once");
        assert!(note("ACCPAYCREDIT", allocations).is_empty());
        let many: Vec<Value> = (1..=30).map(|number| against(number, "2026-10-08", false)).collect();
        assert_eq!(note("ACCRECCREDIT", json!(many)).len(), SET_AGAINST_MAX);
    }

    #[test]
    fn what_a_foreign_document_says_stays_beside_its_base_amounts() {
        let said = |fields: Value| {
            let document = books().invoice(bill(fields)).unwrap();
            let net = document.lines[0].foreign_net;
            assert_eq!(document.foreign.is_some(), net.is_some());
            document.foreign.zip(net).map(|(currency, net)| currency.words(net))
        };
        let of = |currency: &str, rate: f64| {
            json!({
                "CurrencyCode": currency, "CurrencyRate": rate, "LineAmountTypes": "Inclusive",
                "LineItems": [{"LineAmount": 137.5, "TaxAmount": 12.5}],
            })
        };
        assert_eq!(said(of("USD", 0.6512)).as_deref(), Some("USD 125.00 at 0.6512"));
        assert_eq!(said(of("AUD", 1.0)), None, "Xero names a rate for the base currency, too");
        assert_eq!(said(json!({"CurrencyRate": 2, "LineItems": [{"LineAmount": 1}]})), None);
        // rows of documents in the base currency stay as they were
        let ours = serde_json::to_string(&books().invoice(bill(of("AUD", 1.0))).unwrap()).unwrap();
        assert!(!ours.contains("foreign"), "{ours}");
    }

    #[test]
    fn an_unknown_word_for_whether_amounts_hold_tax_is_asked_about_and_not_guessed() {
        let fields =
            json!({"LineAmountTypes": "Estimated", "LineItems": [{"LineAmount": 110, "TaxAmount": 10}]});
        let word = "Estimated".to_owned();
        assert_eq!(net(fields), Err(Puzzle::UnknownWord { what: "line amount type", word }));
    }

    #[test]
    fn a_merged_contact_names_the_one_it_went_into() {
        let body = json!({"ContactID": ID, "Name": "Acme", "ContactStatus": "ARCHIVED", "MergedToContactID": CONTACT});
        let merged = contact(serde_json::from_str(&body.to_string()).unwrap());
        assert!(merged.archived);
        assert_eq!(merged.merged_into, Some(ContactId(CONTACT.parse().unwrap())));
    }

    #[test]
    fn the_net_of_a_line_is_exact_in_base_currency() {
        let line = |fields: Value| json!([fields]);
        let cases = [
            (
                "as it stands",
                json!({"LineItems": line(json!({"Quantity": 3, "UnitAmount": 4.81, "LineAmount": 14.43, "TaxAmount": 1.44}))}),
                "14.43",
            ),
            (
                "tax exclusive",
                json!({"LineAmountTypes": "Exclusive", "LineItems": line(json!({"LineAmount": 100.0, "TaxAmount": 10.0}))}),
                "100.00",
            ),
            (
                "tax inclusive",
                json!({"LineAmountTypes": "Inclusive", "LineItems": line(json!({"LineAmount": 110.00, "TaxAmount": 10.00}))}),
                "100.00",
            ),
            (
                "inclusive without tax",
                json!({"LineAmountTypes": "Inclusive", "LineItems": line(json!({"LineAmount": 110.00}))}),
                "110.00",
            ),
            (
                "foreign",
                json!({"CurrencyCode": "USD", "CurrencyRate": 0.937053, "LineItems": line(json!({"LineAmount": 100.00}))}),
                "106.7175",
            ),
            (
                "foreign and inclusive",
                json!({"CurrencyCode": "USD", "CurrencyRate": 0.5, "LineAmountTypes": "Inclusive", "LineItems": line(json!({"LineAmount": 11.00, "TaxAmount": 1.00}))}),
                "20.00",
            ),
            ("thirds", json!({"CurrencyRate": 3, "LineItems": line(json!({"LineAmount": 1}))}), "0.3333"),
            (
                "a half away from zero",
                json!({"CurrencyRate": 2, "LineItems": line(json!({"LineAmount": 0.0001}))}),
                "0.0001",
            ),
            (
                "a half below zero",
                json!({"CurrencyRate": 2, "LineItems": line(json!({"LineAmount": -0.0001}))}),
                "-0.0001",
            ),
            (
                "discount in the amount",
                json!({"LineItems": line(json!({"Quantity": 2, "UnitAmount": 10, "DiscountRate": 25, "LineAmount": 15.00}))}),
                "15.00",
            ),
            ("no amount", json!({"LineItems": line(json!({"Quantity": 3, "UnitAmount": 0.115}))}), "0.35"),
            (
                "no amount, discount rate",
                json!({"LineItems": line(json!({"Quantity": 3, "UnitAmount": 9.99, "DiscountRate": 33.3333}))}),
                "19.98",
            ),
            (
                "no amount, discount amount",
                json!({"LineItems": line(json!({"Quantity": 2, "UnitAmount": 10, "DiscountAmount": 4.5}))}),
                "15.50",
            ),
            (
                "quantity zero",
                json!({"LineItems": line(json!({"Quantity": 0, "UnitAmount": 10, "LineAmount": 0.00}))}),
                "0.00",
            ),
            ("a text line", json!({"LineItems": line(json!({"Description": "Thank you"}))}), "0.00"),
            (
                "the tail of a binary number",
                json!({"LineItems": line(json!({"LineAmount": 4.8100000000000005}))}),
                "4.81",
            ),
        ];
        for (name, fields, expected) in cases {
            assert_eq!(net(fields).as_deref(), Ok(expected), "{name}");
        }
    }

    #[test]
    fn what_cant_be_understood_says_why() {
        let cases = [
            (json!({"Type": null}), "no type"),
            (json!({"Type": "ACCNEW"}), "type `ACCNEW`"),
            (json!({"Status": null}), "no status"),
            (json!({"Status": "PARKED"}), "status `PARKED`"),
            (json!({"Contact": null}), "no contact"),
            (json!({"Date": null}), "no date"),
            (json!({"UpdatedDateUTC": null}), "last change"),
            (json!({"CurrencyCode": "USD"}), "in USD"),
            (json!({"CurrencyRate": 0}), "exchange rate"),
            (json!({"CurrencyRate": -1.5}), "exchange rate"),
            (json!({"LineItems": [{"Quantity": 1}, {"Quantity": 1e20}]}), "line 2"),
            (json!({"LineItems": [{"LineAmount": 9e14, "Quantity": 1}], "CurrencyRate": 0.01}), "line 1"),
        ];
        for (fields, expected) in cases {
            let why = books().invoice(bill(fields.clone())).unwrap_err().to_string();
            assert!(why.contains(expected), "{fields}: {why}");
        }
        assert!(
            books().invoice(bill(json!({"CurrencyCode": "AUD"}))).is_ok(),
            "the base currency needs no rate"
        );
    }

    #[test]
    fn all_forms_of_days_and_instants_are_read_and_the_day_stays_the_orgs() {
        for date in
            ["/Date(1790812800000+0000)/", "/Date(1790812800000)/", "2026-10-01T00:00:00", "2026-10-01"]
        {
            let document = books().invoice(bill(json!({"Date": date}))).unwrap();
            assert_eq!(document.date.to_string(), "2026-10-01", "{date}");
        }
        for updated in [
            "/Date(1790812800000+0000)/",
            "/Date(1790812800000+1100)/",
            "2026-10-01T00:00:00Z",
            "2026-10-01T00:00:00",
        ] {
            let document = books().invoice(bill(json!({"UpdatedDateUTC": updated}))).unwrap();
            assert_eq!(document.updated_at.to_string(), "2026-10-01T00:00:00Z", "{updated}");
        }
    }

    #[test]
    fn kinds_and_statuses_are_told_apart() {
        let kind = |kind: &str| books().invoice(bill(json!({"Type": kind}))).unwrap().of.kind;
        assert_eq!((kind("ACCPAY"), kind("ACCREC")), (DocumentKind::Bill, DocumentKind::SalesInvoice));
        let status = |status: &str| books().invoice(bill(json!({"Status": status}))).unwrap().status;
        assert_eq!(
            ["DRAFT", "SUBMITTED", "AUTHORISED", "PAID", "VOIDED", "DELETED"].map(status),
            [
                DocumentStatus::Draft,
                DocumentStatus::Submitted,
                DocumentStatus::Authorised,
                DocumentStatus::Paid,
                DocumentStatus::Voided,
                DocumentStatus::Deleted
            ]
        );
        for (kind, expected) in
            [("ACCRECCREDIT", DocumentKind::SalesCredit), ("ACCPAYCREDIT", DocumentKind::SupplierCredit)]
        {
            let note = json!({"CreditNoteID": ID, "Type": kind, "Status": "PAID", "Contact": {"ContactID": CONTACT}, "Date": "2026-10-01", "UpdatedDateUTC": "2026-10-01T00:00:00", "CreditNoteNumber": "CN-1"});
            let note = books().credit_note(serde_json::from_value(note).unwrap()).unwrap();
            assert_eq!((note.of.kind, note.number.as_str()), (expected, "CN-1"));
        }
    }

    #[test]
    fn lines_name_items_by_id_and_code_and_always_have_an_id() {
        let item = "44444444-4444-4444-8444-444444444444";
        let lines = json!({"LineItems": [
            {"LineItemID": LINE, "ItemCode": "P-1", "Item": {"ItemID": item, "Code": "P-1", "Name": "Pump"}, "Quantity": 2.5, "AccountCode": "630"},
            {"ItemCode": "p-1", "Quantity": 1},
            {"ItemCode": "", "Description": "Freight"},
            {"LineItemID": LINE, "Item": {"Code": "P-2"}},
        ]});
        let document = books().invoice(bill(lines.clone())).unwrap();
        let items: Vec<Option<(bool, &str)>> = document
            .lines
            .iter()
            .map(|line| line.item.as_ref().map(|item| (item.id.is_some(), item.code.as_str())))
            .collect();
        assert_eq!(items, [Some((true, "P-1")), Some((false, "p-1")), None, Some((false, "P-2"))]);
        assert_eq!(document.lines[0].id.to_string(), LINE);
        assert_eq!(
            (document.lines[0].quantity.to_string(), document.lines[0].account.as_str()),
            ("2.5".into(), "630")
        );
        let ids: BTreeSet<LineId> = document.lines.iter().map(|line| line.id).collect();
        assert_eq!(ids.len(), 4, "even where Xero sends none or one twice");
        assert_eq!(books().invoice(bill(lines)).unwrap(), document, "and the same each time");
    }

    fn money(kind: &str, line: Value) -> Result<Option<Document>, Puzzle> {
        money_in("AUD", kind, line)
    }

    fn money_in(currency: &str, kind: &str, line: Value) -> Result<Option<Document>, Puzzle> {
        let body = json!({
            "BankTransactionID": ID, "CurrencyCode": currency, "Type": kind, "Status": "AUTHORISED", "Contact": {"ContactID": CONTACT},
            "Date": "2026-10-01", "UpdatedDateUTC": "2026-10-01T00:00:00", "LineItems": [line],
        });
        books().bank_transaction(serde_json::from_str(&body.to_string()).unwrap())
    }

    #[test]
    fn money_books_where_it_carries_goods() {
        let goods = || json!({"ItemCode": "P-1", "Quantity": 1, "LineAmount": 5});
        let kind =
            |outcome: Result<Option<Document>, Puzzle>| outcome.unwrap().map(|document| document.of.kind);
        assert!(!money("SPEND", goods()).unwrap().unwrap().in_advance);
        assert_eq!(kind(money("SPEND", goods())), Some(DocumentKind::SpendMoney));
        assert_eq!(kind(money("RECEIVE", goods())), Some(DocumentKind::ReceiveMoney));
        for transfer in ["SPEND-TRANSFER", "RECEIVE-TRANSFER"] {
            assert_eq!(money(transfer, goods()), Ok(None), "{transfer}");
        }
        assert!(money("SPEND-NEW", goods()).is_err());
    }

    #[test]
    fn money_in_advance_books_the_lines_that_name_an_item() {
        for (word, kind) in [
            ("SPEND-PREPAYMENT", DocumentKind::SpendMoney),
            ("SPEND-OVERPAYMENT", DocumentKind::SpendMoney),
            ("RECEIVE-PREPAYMENT", DocumentKind::ReceiveMoney),
            ("RECEIVE-OVERPAYMENT", DocumentKind::ReceiveMoney),
        ] {
            let goods =
                money(word, json!({"ItemCode": "P-1", "Quantity": 1, "LineAmount": 5})).unwrap().unwrap();
            assert_eq!((goods.of.kind, goods.of.id.to_string().as_str(), goods.lines.len()), (kind, ID, 1));
            assert!(goods.in_advance, "{word}");
            let deposit = money(word, json!({"Description": "Deposit", "LineAmount": 5})).unwrap().unwrap();
            assert_eq!(deposit.lines, [], "{word}");
            // without goods no rate is needed, with goods it is
            let foreign =
                |line: Value| money_in("USD", word, line).map(|document| document.unwrap().lines.len());
            assert_eq!(foreign(json!({"Description": "Deposit", "LineAmount": 5})), Ok(0));
            assert_eq!(
                foreign(json!({"ItemCode": "P-1", "Quantity": 1, "LineAmount": 5})),
                Err(Puzzle::NoRate("USD".to_owned()))
            );
        }
    }

    #[test]
    fn money_may_come_from_nobody_in_particular() {
        for contact in ["", r#""Contact":null,"#, r#""Contact":{},"#] {
            let body = format!(
                r#"{{"BankTransactionID":"{ID}","Type":"SPEND","Status":"AUTHORISED",{contact}"Date":"2026-10-01",
                "UpdatedDateUTC":"2026-10-01T00:00:00","LineItems":[{{"ItemCode":"P-1","Quantity":1}}]}}"#
            );
            let document = books().bank_transaction(serde_json::from_str(&body).unwrap()).unwrap().unwrap();
            assert_eq!((document.contact, document.contact_name.as_str()), (ContactId(Uuid::nil()), ""));
        }
    }

    #[test]
    fn an_order_expects_what_the_supplier_promised_else_what_was_wanted() {
        let order = |fields: Value| {
            let mut body = json!({
                "PurchaseOrderID": ID, "PurchaseOrderNumber": "PO-1", "Status": "BILLED", "Contact": {"ContactID": CONTACT},
                "Date": "2026-10-01", "UpdatedDateUTC": "2026-10-01T00:00:00", "LineItems": [],
            });
            body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
            books().purchase_order(serde_json::from_value(body).unwrap()).unwrap()
        };
        assert_eq!(order(json!({})).expected_on, None);
        assert_eq!(order(json!({})).status, DocumentStatus::Billed);
        let wanted = order(json!({"DeliveryDate": "2026-10-09"}));
        assert_eq!(wanted.expected_on.unwrap().to_string(), "2026-10-09");
        let promised =
            order(json!({"DeliveryDate": "2026-10-09", "ExpectedArrivalDate": "/Date(1792195200000)/"}));
        assert_eq!(promised.expected_on.unwrap().to_string(), "2026-10-17");
    }

    #[test]
    fn an_item_tells_its_book_its_accounts_and_what_xero_holds() {
        let item = |body: Value| stock_item(serde_json::from_str(&body.to_string()).unwrap()).unwrap();
        let tracked = item(json!({
            "ItemID": ID, "Code": "P-1", "Name": "Pump", "IsTrackedAsInventory": true, "InventoryAssetAccountCode": "630",
            "PurchaseDetails": {"UnitPrice": 12.3456, "COGSAccountCode": "310", "TaxType": "INPUT"},
            "SalesDetails": {"UnitPrice": 20, "AccountCode": "200"},
            "QuantityOnHand": 7.5, "TotalCostPool": 92.59, "QuantityOnBackOrder": 2, "UpdatedDateUTC": "2026-10-01T00:00:00",
        }));
        assert_eq!((tracked.purchase_account.as_str(), tracked.sales_account.as_str()), ("630", "200"));
        assert_eq!(tracked.purchase_price.unwrap().to_string(), "12.3456");
        let held = tracked.quantity.unwrap();
        assert_eq!(
            [held.on_hand.to_string(), held.back_ordered.to_string(), held.cost_pool.to_string()],
            ["7.5", "2", "92.59"]
        );
        let untracked = item(json!({"ItemID": ID, "Code": "S-1", "PurchaseDetails": {"AccountCode": "300"}}));
        assert_eq!((untracked.tracked, untracked.quantity, untracked.name.as_str()), (false, None, "S-1"));
        assert_eq!(untracked.purchase_account, "300");
    }

    #[test]
    fn an_order_is_written_as_a_draft_with_nothing_but_the_contacts_id() {
        let draft = OrderDraft {
            number: "PS-AAAA".into(),
            reference: String::new(),
            supplier: ContactId(CONTACT.parse().unwrap()),
            date: "2026-10-01".parse().unwrap(),
            wanted_on: "2026-10-09".parse().unwrap(),
            lines: vec![OrderDraftLine {
                item_code: "P-1".into(),
                description: "Pump".into(),
                quantity: "12".parse().unwrap(),
                unit_price: "1.2345".parse().unwrap(),
                account: "630".into(),
                tax: String::new(),
            }],
        };
        let sent: Value = serde_json::from_str(&serde_json::to_string(&new_order(&draft)).unwrap()).unwrap();
        assert_eq!(
            sent,
            json!({
                "PurchaseOrderNumber": "PS-AAAA", "Contact": {"ContactID": CONTACT}, "Status": "DRAFT", "Date": "2026-10-01",
                "DeliveryDate": "2026-10-09", "LineAmountTypes": "Exclusive",
                "LineItems": [{"ItemCode": "P-1", "Description": "Pump", "Quantity": 12, "UnitAmount": 1.2345, "AccountCode": "630"}],
            })
        );
    }
}
