//! Xero's papers as far as stock is concerned, free of Xero's wire format.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::fixed::{Money, Quantity};
use crate::ids::{ContactId, DocumentId, ItemId, LineId};
use crate::units::PurchaseUnit;

/// What kind of paper a document is. The order is the order of kinds inside one day's movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Goods that a person took in against an order. Ours: Xero has no such paper. It brings stock in, but for items that Xero
    /// tracks, whose bill does.
    GoodsReceipt,
    /// A supplier's invoice (Xero: `ACCPAY`). Approved, it brings stock in.
    Bill,
    /// Money spent at the counter (Xero: bank transaction `SPEND`). It brings stock in.
    SpendMoney,
    /// A customer's return (Xero: `ACCRECCREDIT`). It brings stock back.
    SalesCredit,
    /// An invoice to a customer (Xero: `ACCREC`). Approved, it takes stock out; as a draft it commits it.
    SalesInvoice,
    /// Money received at the counter (Xero: bank transaction `RECEIVE`). It takes stock out.
    ReceiveMoney,
    /// A return to a supplier (Xero: `ACCPAYCREDIT`). It takes stock out.
    SupplierCredit,
    /// An order to a supplier. It never moves stock; what is open on it is on order.
    PurchaseOrder,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::GoodsReceipt,
        Self::Bill,
        Self::SpendMoney,
        Self::SalesCredit,
        Self::SalesInvoice,
        Self::ReceiveMoney,
        Self::SupplierCredit,
        Self::PurchaseOrder,
    ];

    /// The word in keys and in JSON.
    pub const fn code(self) -> &'static str {
        match self {
            Self::GoodsReceipt => "goods_receipt",
            Self::Bill => "bill",
            Self::SpendMoney => "spend_money",
            Self::SalesCredit => "sales_credit",
            Self::SalesInvoice => "sales_invoice",
            Self::ReceiveMoney => "receive_money",
            Self::SupplierCredit => "supplier_credit",
            Self::PurchaseOrder => "purchase_order",
        }
    }

    /// The kind with this [`code`](Self::code).
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The words that people read.
    pub const fn words(self) -> &'static str {
        match self {
            Self::GoodsReceipt => "goods receipt",
            Self::Bill => "bill",
            Self::SpendMoney => "spend money",
            Self::SalesCredit => "sales credit note",
            Self::SalesInvoice => "invoice",
            Self::ReceiveMoney => "receive money",
            Self::SupplierCredit => "supplier credit note",
            Self::PurchaseOrder => "purchase order",
        }
    }
}

/// Where a document stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DocumentStatus {
    /// Being written. Moves nothing; a sales draft commits stock, an order draft is (labelled) on order.
    Draft,
    /// Waiting for approval. As a draft.
    Submitted,
    /// Approved: stock moves.
    Authorised,
    /// Approved and paid: as approved.
    Paid,
    /// A purchase order that is closed because its bills are in.
    Billed,
    /// Cancelled after approval: what it moved moves back.
    Voided,
    /// Cancelled before approval.
    Deleted,
}

impl DocumentStatus {
    /// Whether stock moves by a document in this status.
    pub const fn moves_stock(self) -> bool {
        matches!(self, Self::Authorised | Self::Paid)
    }

    /// Whether a document in this status may still come to move stock.
    pub const fn is_pending(self) -> bool {
        matches!(self, Self::Draft | Self::Submitted)
    }
}

/// A document by kind and Xero id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DocumentRef {
    /// Its kind.
    pub kind: DocumentKind,
    /// Its Xero id.
    pub id: DocumentId,
}

/// Invoices that are looked at for the goods of one credit note.
pub const SET_AGAINST_MAX: usize = 20;

/// A document in its present state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Kind and Xero id.
    pub of: DocumentRef,
    /// The number that people know it by; empty when it has none.
    pub number: String,
    /// Free reference text.
    pub reference: String,
    /// Where it stands.
    pub status: DocumentStatus,
    /// Customer or supplier.
    pub contact: ContactId,
    /// The contact's name at the time.
    pub contact_name: String,
    /// The document's date, a civil day of the org.
    pub date: Date,
    /// When an order's goods are expected: the supplier's promise, else the date wanted.
    pub expected_on: Option<Date>,
    /// When Xero last changed it.
    pub updated_at: Timestamp,
    /// Whether it is money before the bill or the invoice, or beyond it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_advance: bool,
    /// The sales invoices against which a customer's credit note is set, at most [`SET_AGAINST_MAX`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub set_against: Vec<DocumentId>,
    /// Its currency, where that is not the org's base currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign: Option<ForeignCurrency>,
    /// Its lines in their order.
    pub lines: Vec<DocumentLine>,
}

/// A document's currency that is not the org's base currency, and what it was worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForeignCurrency {
    /// ISO code.
    pub code: String,
    /// How much of it one of the base currency is worth, in digits: nothing is worked out from it any more.
    pub rate: String,
}

impl ForeignCurrency {
    /// An amount of it with the rate: `USD 125.00 at 0.6512`.
    pub fn words(&self, amount: Money) -> String {
        format!("{} {amount} at {}", self.code, self.rate)
    }
}

/// One line of a document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DocumentLine {
    /// Xero's line id.
    pub id: LineId,
    /// The item, where the line names one.
    pub item: Option<ItemRef>,
    /// The line's text.
    pub description: String,
    /// How much, as written: usually at least zero.
    pub quantity: Quantity,
    /// Price of one unit in the document's currency, before discount.
    pub unit_amount: Money,
    /// What the line amounts to in the org's base currency, after discount, without tax.
    pub net: Money,
    /// The same in the document's own currency, where that is not the base currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub foreign_net: Option<Money>,
    /// Xero's account code; empty when the line has none.
    pub account: String,
    /// By what the paper itself counts, where that is not the base unit in which quantity and price are given here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<PurchaseUnit>,
}

/// How a line names its item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ItemRef {
    /// The item's id, when Xero sent it.
    pub id: Option<ItemId>,
    /// The item's code at the time, as written (case matters).
    pub code: String,
}

/// An item as Xero describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Its Xero id.
    pub id: ItemId,
    /// Its code.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Whether Xero holds its quantity and cost.
    pub tracked: bool,
    /// Purchase price, in base currency.
    pub purchase_price: Option<Money>,
    /// Sales price, in base currency.
    pub sales_price: Option<Money>,
    /// The account that purchases go to: the inventory account of a tracked item.
    pub purchase_account: String,
    /// Tax type of purchases, as Xero names it; empty when unset.
    pub purchase_tax: String,
    /// The account of its sales, also its default category.
    pub sales_account: String,
    /// What Xero holds of it; only tracked items have this.
    pub quantity: Option<XeroQuantity>,
    /// When Xero last changed the master data.
    pub updated_at: Timestamp,
    /// When somebody last changed its purchase price there, as far as we have seen; as long as we have not, when anything of it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priced_at: Option<Timestamp>,
}

/// Quantity and value of a tracked item as Xero says them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct XeroQuantity {
    /// `QuantityOnHand`.
    pub on_hand: Quantity,
    /// `QuantityOnBackOrder`, zero where Xero doesn't send it.
    pub back_ordered: Quantity,
    /// `TotalCostPool`, base currency.
    pub cost_pool: Money,
}

/// A customer or supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// Its Xero id.
    pub id: ContactId,
    /// Its name.
    pub name: String,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether something was sold to it and nothing bought from it, as Xero says.
    pub only_customer: bool,
    /// The contact into which it was merged, which archived it.
    pub merged_into: Option<ContactId>,
}

/// An account with its balance at the end of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Its code; bank accounts may have none.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Its type as Xero names it, such as `INVENTORY`, `CURRENT` or `DIRECTCOSTS`.
    pub kind: String,
    /// What is on it, base currency, with the sign that Xero's balance sheet gives it: an asset is above zero.
    pub balance: Money,
}

/// The organisation as Xero describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Organisation {
    /// Xero's `OrganisationID`.
    pub id: crate::ids::OrgId,
    /// Its name.
    pub name: String,
    /// Xero's name of its time zone (a Windows zone without blanks).
    pub xero_time_zone: String,
    /// ISO code of its base currency.
    pub base_currency: String,
    /// ISO code of its country; empty when unknown.
    #[serde(default)]
    pub country: String,
    /// Deep-link code; empty when unknown.
    pub short_code: String,
    /// Documents up to this day can't be changed, except by an adviser.
    #[serde(default)]
    pub period_lock_date: Option<Date>,
    /// Documents up to this day can't be changed.
    #[serde(default)]
    pub end_of_year_lock_date: Option<Date>,
}

impl Organisation {
    /// The last day whose documents Xero does not let everybody change.
    pub fn locked_through(&self) -> Option<Date> {
        self.period_lock_date.max(self.end_of_year_lock_date)
    }
}

/// A purchase order that we ask Xero to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDraft {
    /// Our number, fixed before the first try.
    pub number: String,
    /// Why it exists, short: the plan's id.
    pub reference: String,
    /// The supplier.
    pub supplier: ContactId,
    /// The order's date.
    pub date: Date,
    /// When the goods are wanted.
    pub wanted_on: Date,
    /// Its lines.
    pub lines: Vec<OrderDraftLine>,
}

/// A bill that we ask Xero to write as a draft, for goods of an order that came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BillDraft {
    /// Our number, fixed before the first try.
    pub number: String,
    /// The order.
    pub order: DocumentId,
    /// The order's number.
    pub order_number: String,
    /// The supplier.
    pub supplier: ContactId,
    /// The bill's date.
    pub date: Date,
    /// Which of the order's lines came in, and how much of each, as the order counts it.
    pub lines: Vec<(LineId, Quantity)>,
}

/// A line of a purchase order that we ask Xero to write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderDraftLine {
    /// The item's code as Xero knows it now.
    pub item_code: String,
    /// The line's text.
    pub description: String,
    /// How much, as the supplier counts it.
    pub quantity: Quantity,
    /// Price of one of these, four decimals.
    pub unit_price: Money,
    /// Account to code it to; empty leaves Xero's default.
    pub account: String,
    /// Tax type; empty leaves Xero's default.
    pub tax: String,
}
