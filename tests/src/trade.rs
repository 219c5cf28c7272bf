//! People at work in Xero: papers of every kind are written, edited, back-dated, approved and voided, in
//! an order that only follows from the seed.

use std::collections::BTreeSet;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use parstock_domain::document::{
    Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef, Organisation,
};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ContactId, DocumentId, ItemId, LineId, OrgId};

use crate::books::Company;
use crate::rng::Rng;

/// Items at first; every third is tracked.
const ITEMS: u64 = 9;
/// The first items keep their codes, so that a line may name them by code alone.
const ITEMS_NAMED_BY_CODE: usize = 4;
const CONTACTS: u64 = 5;
/// Lines of a usual document at most.
const LINES_MAX: u64 = 5;
/// Xero's name of the zone in which the org lives.
const ZONE: &str = "AUSEASTERNSTANDARDTIME";
/// The same zone's IANA name.
pub(crate) const ZONE_IANA: &str = "Australia/Sydney";

/// What Xero tells by a webhook about a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Xero's category, if there is a webhook for it.
    pub category: Option<&'static str>,
    /// What changed.
    pub resource: uuid::Uuid,
}

/// The people of one org.
#[derive(Clone, Debug)]
pub struct Trader {
    rng: Rng,
    /// Which kinds of papers they write.
    pub kinds: Vec<DocumentKind>,
    numbers: u32,
}

/// The kinds of papers that Xero has.
fn in_xero() -> Vec<DocumentKind> {
    DocumentKind::ALL.into_iter().filter(|kind| *kind != DocumentKind::GoodsReceipt).collect()
}

impl Trader {
    /// People whose doings follow from `seed`.
    pub fn new(seed: u64) -> Self {
        Self { rng: Rng::new(seed ^ 0x7261_6465), kinds: in_xero(), numbers: 0 }
    }

    /// A company with items and contacts, before any document.
    pub fn company(&mut self, name: &str, now: Timestamp) -> Company {
        let organisation = Organisation {
            id: OrgId(self.rng.uuid()),
            name: name.to_owned(),
            xero_time_zone: ZONE.into(),
            base_currency: "AUD".into(),
            country: "AU".to_owned(),
            short_code: String::new(),
            period_lock_date: None,
            end_of_year_lock_date: None,
        };
        let mut company = Company::new(organisation);
        for _ in 0..ITEMS {
            self.new_item(&mut company, now);
        }
        for number in 0..CONTACTS {
            let contact = Contact {
                id: ContactId(self.rng.uuid()),
                name: format!("Contact {number}"),
                archived: false,
                only_customer: false,
                merged_into: None,
            };
            company.contacts.insert(contact.id.0, (contact, now));
        }
        company
    }

    /// Somebody does something. Answers what Xero would tell of it.
    pub fn act(&mut self, company: &mut Company, now: Timestamp) -> Change {
        let today = now.to_zoned(TimeZone::get(ZONE_IANA).unwrap()).date();
        match self.rng.below(100) {
            0 => self.new_item(company, now),
            1..=3 => self.rename_item(company, now),
            4..=49 => {
                let lines = 1 + self.rng.below(LINES_MAX);
                self.new_document(company, now, today, lines)
            }
            50..=79 => self.edit(company, now, today),
            _ => self.change_status(company, now),
        }
    }

    /// Somebody writes a document of `lines` lines.
    pub fn new_document(&mut self, company: &mut Company, now: Timestamp, today: Date, lines: u64) -> Change {
        use DocumentStatus as S;
        let kind = *self.rng.pick(&self.kinds).unwrap_or(&DocumentKind::SalesInvoice);
        let status = match kind {
            DocumentKind::SpendMoney | DocumentKind::ReceiveMoney => S::Authorised,
            _ => *self
                .rng
                .pick(&[S::Draft, S::Submitted, S::Authorised, S::Authorised, S::Authorised])
                .unwrap(),
        };
        self.numbers += 1;
        let contacts: Vec<&Contact> = company.contacts.values().map(|(contact, _)| contact).collect();
        let contact = (*self.rng.pick(&contacts).unwrap()).clone();
        let mut order = company.documents.values().filter(|document| {
            document.of.kind == DocumentKind::PurchaseOrder && document.contact == contact.id
        });
        // a bill names its order more often than not
        let order = order.next_back().map(|order| order.number.clone()).filter(|_| self.rng.chance(600));
        let set_against = match kind {
            DocumentKind::SalesCredit => self.sales(company),
            _ => Vec::new(),
        };
        let document = Document {
            of: DocumentRef { kind, id: DocumentId(self.rng.uuid()) },
            number: format!("{}-{:04}", kind.code(), self.numbers),
            reference: order.filter(|_| kind == DocumentKind::Bill).unwrap_or_default(),
            status,
            contact: contact.id,
            contact_name: contact.name,
            date: self.day(today),
            expected_on: None,
            updated_at: now,
            in_advance: false,
            set_against,
            foreign: None,
            lines: (0..lines).map(|_| self.line(company)).collect(),
        };
        let of = document.of;
        company.documents.insert(of.id, document);
        change(of)
    }

    /// Up to two sales, against which somebody sets a credit note.
    fn sales(&mut self, company: &Company) -> Vec<DocumentId> {
        let sales =
            company.documents.values().filter(|document| document.of.kind == DocumentKind::SalesInvoice);
        let sales: Vec<DocumentId> = sales.map(|sale| sale.of.id).collect();
        let picked: BTreeSet<DocumentId> =
            (0..self.rng.below(3)).filter_map(|_| self.rng.pick(&sales).copied()).collect();
        picked.into_iter().collect()
    }

    fn line(&mut self, company: &Company) -> DocumentLine {
        let mut line = DocumentLine {
            id: LineId(self.rng.uuid()),
            item: None,
            description: "Goods".into(),
            quantity: self.quantity(),
            unit_amount: Money::from_e4(self.rng.below(500_000) as i64),
            net: Money::ZERO,
            account: "200".into(),
            unit: None,
            foreign_net: None,
        };
        line.net = line.quantity.at(line.unit_amount).unwrap();
        // a service has no item
        if !self.rng.chance(80) {
            line.item = self.item(company);
        }
        line
    }

    fn item(&mut self, company: &Company) -> Option<ItemRef> {
        let mut items: Vec<&Item> = company.items.values().collect();
        items.sort_by(|a, b| a.code.cmp(&b.code));
        let item = *self.rng.pick(&items)?;
        let by_code_alone =
            items.iter().position(|other| other.id == item.id)? < ITEMS_NAMED_BY_CODE && self.rng.chance(300);
        Some(ItemRef { id: (!by_code_alone).then_some(item.id), code: item.code.clone() })
    }

    fn quantity(&mut self) -> Quantity {
        let whole = 1 + self.rng.below(20) as i64;
        Quantity::from_e4(match self.rng.below(50) {
            0 => 0,
            1 => -10_000 * whole,
            2..=6 => 1 + self.rng.below(200_000) as i64,
            _ => 10_000 * whole,
        })
    }

    fn day(&mut self, today: Date) -> Date {
        let days = match self.rng.below(20) {
            0..=2 => -(self.rng.below(40) as i64),
            3 => self.rng.below(20) as i64,
            _ => 0,
        };
        today.saturating_add(days.days())
    }

    fn living(&mut self, company: &Company) -> Option<DocumentId> {
        let ends = [DocumentStatus::Voided, DocumentStatus::Deleted];
        let living: Vec<DocumentId> = company
            .documents
            .values()
            .filter(|document| self.kinds.contains(&document.of.kind) && !ends.contains(&document.status))
            .map(|document| document.of.id)
            .collect();
        self.rng.pick(&living).copied()
    }

    fn edit(&mut self, company: &mut Company, now: Timestamp, today: Date) -> Change {
        let Some(id) = self.living(company) else { return self.new_document(company, now, today, 1) };
        let (fresh, item, quantity, day) =
            (self.line(company), self.item(company), self.quantity(), self.day(today));
        let sales = self.sales(company);
        let document = company.documents.get_mut(&id).unwrap();
        let at = self.rng.below(document.lines.len() as u64) as usize;
        match self.rng.below(6) {
            0 => document.lines.push(fresh),
            1 if document.lines.len() > 1 => {
                document.lines.remove(at);
            }
            2 => document.date = day,
            3 => {
                if let Some(line) = document.lines.get_mut(at) {
                    line.item = item;
                }
            }
            4 if document.of.kind == DocumentKind::SalesCredit => document.set_against = sales,
            4 => document.lines.reverse(),
            _ => {
                if let Some(line) = document.lines.get_mut(at) {
                    line.quantity = quantity;
                    line.net = quantity.at(line.unit_amount).unwrap();
                }
            }
        }
        document.updated_at = now;
        change(document.of)
    }

    fn change_status(&mut self, company: &mut Company, now: Timestamp) -> Change {
        use DocumentStatus as S;
        let Some(id) = self.living(company) else { return self.rename_item(company, now) };
        let document = company.documents.get_mut(&id).unwrap();
        let order = document.of.kind == DocumentKind::PurchaseOrder;
        let next: &[S] = match document.status {
            S::Draft => &[S::Submitted, S::Authorised, S::Authorised, S::Deleted],
            S::Submitted => &[S::Authorised, S::Authorised, S::Draft, S::Deleted],
            S::Authorised if order => &[S::Billed, S::Billed, S::Deleted],
            S::Authorised => &[S::Paid, S::Paid, S::Voided],
            S::Billed => &[S::Authorised],
            S::Paid => &[S::Authorised, S::Voided],
            S::Voided | S::Deleted => return change(document.of),
        };
        document.status = *self.rng.pick(next).unwrap();
        document.updated_at = now;
        change(document.of)
    }

    fn new_item(&mut self, company: &mut Company, now: Timestamp) -> Change {
        let number = company.items.len();
        let item = Item {
            id: ItemId(self.rng.uuid()),
            code: format!("P-{number:02}"),
            name: format!("Product {number}"),
            tracked: number.is_multiple_of(3),
            purchase_price: Some(Money::from_e4(100_000)),
            sales_price: None,
            purchase_account: "300".into(),
            purchase_tax: String::new(),
            sales_account: "200".into(),
            quantity: None,
            updated_at: now,
            priced_at: None,
        };
        if item.tracked {
            company.initial.insert(item.id, Quantity::from_e4(10_000 * self.rng.below(500) as i64));
        }
        let resource = item.id.0;
        company.items.insert(item.id, item);
        Change { category: None, resource }
    }

    fn rename_item(&mut self, company: &mut Company, now: Timestamp) -> Change {
        let renamed: Vec<ItemId> = {
            let mut items: Vec<&Item> = company.items.values().collect();
            items.sort_by(|a, b| a.code.cmp(&b.code));
            items.into_iter().skip(ITEMS_NAMED_BY_CODE).map(|item| item.id).collect()
        };
        let Some(id) = self.rng.pick(&renamed).copied() else { return self.new_item(company, now) };
        self.numbers += 1;
        let item = company.items.get_mut(&id).unwrap();
        item.code = format!("Q-{:04}", self.numbers);
        item.updated_at = now;
        Change { category: None, resource: id.0 }
    }
}

/// Xero raises webhooks for invoices, bills and credit notes, not for purchase orders, bank transactions
/// and items.
const fn change(of: DocumentRef) -> Change {
    let category = match of.kind {
        DocumentKind::SalesInvoice | DocumentKind::Bill => Some("INVOICE"),
        DocumentKind::SalesCredit | DocumentKind::SupplierCredit => Some("CREDITNOTE"),
        DocumentKind::GoodsReceipt
        | DocumentKind::PurchaseOrder
        | DocumentKind::SpendMoney
        | DocumentKind::ReceiveMoney => None,
    };
    Change { category, resource: of.id.0 }
}
