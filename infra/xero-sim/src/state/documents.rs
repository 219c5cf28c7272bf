//! Writing and changing documents, each wholly or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::act::Tracking;
use crate::act::{Changes, Currency, DocumentKind, E4, Line, LineAmountTypes, NewDocument, Status};
use crate::error::XeroError;
use crate::ids::line_id;
use crate::state::amounts::{in_base_currency, line_amount, line_tax};
use crate::state::masters::{INVENTORY, no_item};
use crate::state::rules::{self, StockEffect};
use crate::state::stock::{Moved, Shelf, Stock};
use crate::state::{AdvanceList, Books, Document, DocumentList, Happening, NumberUse, StoredLine};

/// Most lines on one document. Our own bound; Xero states none.
const LINE_LIMIT: usize = 5_000;

/// Stock after a document, by item.
type StockAfter = BTreeMap<u32, Stock>;

impl Books {
    pub(super) fn create_document(
        &mut self,
        at: i64,
        new: &NewDocument,
    ) -> Result<Vec<Happening>, XeroError> {
        if !rules::may_begin(new.kind, new.status) {
            return Err(XeroError::refused(format!(
                "Status {} is not valid for a new document",
                new.status.xero()
            )));
        }
        let number = if new.number.is_empty() { self.next_number(new.kind) } else { new.number.clone() };
        let contact = self.contact_index(&new.contact)?;
        let uses = self.claim(new.kind, &number)?;
        let lines = self.lines(new.kind, new.amounts, &new.lines, &[], 0)?;
        let mut document = Document {
            id: self.ids.id(&format!("{:?}/{number}/{uses}", new.kind)),
            kind: new.kind,
            number: Arc::from(number.as_str()),
            reference: self.shared(&new.reference),
            contact,
            date: new.date,
            due: new.due,
            expected_arrival: new.expected_arrival,
            status: new.status,
            amounts: new.amounts,
            currency: new.currency.clone().map(Box::new),
            next_serial: count(&lines),
            lines: lines.into(),
            sub_total: E4::ZERO,
            total_tax: E4::ZERO,
            total: E4::ZERO,
            paid_on: None,
            applied: E4::ZERO,
            sent: false,
            updated: at,
        };
        document.add_up();
        self.settle_status(&mut document, Status::Draft);
        let after = self.take_effect(&[], &mut document)?;
        let index = u32::try_from(self.documents.len()).unwrap_or(u32::MAX);
        self.numbers.insert((document.kind, Arc::clone(&document.number)), NumberUse { latest: index, uses });
        self.document_by_id.insert(document.id, index);
        let list = self.changed.entry(DocumentList::of(document.kind)).or_default();
        list.insert((document.updated, document.id, index));
        let mut happenings = vec![happening(&document, true, false)];
        self.documents.push(document);
        self.restock(after, &mut happenings);
        Ok(happenings)
    }

    pub(super) fn edit_document(
        &mut self,
        at: i64,
        id: uuid::Uuid,
        changes: &Changes,
    ) -> Result<Vec<Happening>, XeroError> {
        let missing = || XeroError::refused("The document could not be found");
        let before = self.document_with_id(id).ok_or_else(missing)?.clone();
        rules::check_change(&before, changes, &self.switches)?;
        let mut document = before.clone();
        document.updated = at;
        let mut uses = None;
        if let Some(number) = changes.number.as_ref().filter(|number| ***number != *before.number) {
            uses = Some(self.claim(before.kind, number)?);
            document.number = Arc::from(number.as_str());
        }
        if let Some(reference) = &changes.reference {
            document.reference = self.shared(reference);
        }
        if let Some(contact) = &changes.contact {
            document.contact = self.contact_index(contact)?;
        }
        document.date = changes.date.unwrap_or(before.date);
        document.due = changes.due.or(before.due);
        document.expected_arrival = changes.expected_arrival.or(before.expected_arrival);
        if let Some(currency) = &changes.currency {
            document.currency = Some(Box::new(currency.clone()));
        }
        document.status = changes.status.unwrap_or(before.status);
        document.sent = changes.sent.unwrap_or(before.sent);
        if let Some(lines) = &changes.lines {
            let lines = self.lines(before.kind, before.amounts, lines, &before.lines, before.next_serial)?;
            let last = lines.iter().map(|line| line.serial.saturating_add(1)).max().unwrap_or(0);
            document.next_serial = before.next_serial.max(last);
            document.lines = lines.into();
            document.add_up();
        }
        self.settle_status(&mut document, before.status);
        let is_payment = (document.status == Status::Paid) != (before.status == Status::Paid)
            && rules::has_effect(document.status)
            && rules::has_effect(before.status)
            && document.total != E4::ZERO;
        if rules::has_effect(before.status) && !is_payment {
            self.check_lock(&before)?;
        }
        let same_effect = rules::has_effect(before.status) == rules::has_effect(document.status);
        let is_revalued = changes.lines.is_some() || changes.currency.is_some();
        let after = if same_effect && !is_revalued {
            if changes.date.is_some() && rules::has_effect(document.status) {
                self.check_lock(&document)?;
            }
            StockAfter::new()
        } else {
            self.take_effect(&before.lines, &mut document)?
        };
        let index = self.document_by_id.get(&before.id).copied().unwrap_or(u32::MAX);
        if let Some(uses) = uses {
            // Earlier documents of the old number keep their ids, since the count of its uses stays.
            self.numbers
                .insert((document.kind, Arc::clone(&document.number)), NumberUse { latest: index, uses });
        }
        let list = self.changed.entry(DocumentList::of(document.kind)).or_default();
        list.remove(&(before.updated, before.id, index));
        list.insert((document.updated, document.id, index));
        if is_payment {
            self.note_payment(at, &before, &document, index);
        }
        let mut happenings = vec![happening(&document, false, is_payment)];
        if let Some(place) = self.documents.get_mut(index as usize) {
            *place = document;
        }
        self.restock(after, &mut happenings);
        Ok(happenings)
    }

    /// Which line of a document has this `LineItemID`, counted from 0.
    pub(crate) fn line_with_id(document: &Document, id: uuid::Uuid) -> Option<u32> {
        let place = document.lines.iter().position(|line| line_id(document.id, line.serial) == id)?;
        u32::try_from(place).ok()
    }

    pub(super) fn contact_index(&self, name: &str) -> Result<u32, XeroError> {
        self.contact_by_name
            .get(name)
            .copied()
            .filter(|index| !self.contact(*index).is_some_and(|row| self.merged.contains_key(&row.id)))
            .ok_or_else(|| XeroError::refused(format!("The contact '{name}' could not be found")))
    }

    /// How often a number has been used, this time included; refused where it must be unique.
    fn claim(&self, kind: DocumentKind, number: &str) -> Result<u32, XeroError> {
        if number.chars().count() > 255 {
            return Err(XeroError::refused("Document numbers must be 255 characters or less"));
        }
        let before = self.numbers.get(&(kind, Arc::from(number))).map_or(0, |known| known.uses);
        if before > 0 && rules::number_is_unique(kind) {
            return Err(rules::number_taken(kind));
        }
        Ok(before + 1)
    }

    /// The number Xero would choose. Kinds whose number is free text get none.
    pub(crate) fn next_number(&self, kind: DocumentKind) -> String {
        let prefix = match kind {
            DocumentKind::Invoice => "INV",
            DocumentKind::SalesCredit => "CN",
            DocumentKind::PurchaseOrder => "PO",
            _ => return String::new(),
        };
        let written = self.documents.iter().filter(|document| document.kind == kind).count();
        (written + 1..)
            .map(|n| format!("{prefix}-{n:04}"))
            .find(|number| self.document_named(kind, number).is_none())
            .unwrap_or_default()
    }

    pub(super) fn check_lock(&self, document: &Document) -> Result<(), XeroError> {
        match &self.organisation {
            Some(organisation) if document.kind != DocumentKind::PurchaseOrder => {
                rules::check_lock(&organisation.value, document.date)
            }
            _ => Ok(()),
        }
    }

    /// Sets what follows from a new status: a document with nothing to pay may be paid at once.
    fn settle_status(&self, document: &mut Document, before: Status) {
        let approved = document.status == Status::Authorised && !rules::has_effect(before);
        let payable =
            matches!(DocumentList::of(document.kind), DocumentList::Invoices | DocumentList::CreditNotes);
        if approved && payable && document.total == E4::ZERO && self.switches.zero_total_is_paid {
            document.status = Status::Paid;
        }
        match document.status {
            Status::Paid => document.paid_on = document.paid_on.or(Some(self.day_of(document.updated))),
            _ => document.paid_on = None,
        }
    }

    /// The UTC day of an instant in milliseconds; stands for the day of a payment.
    fn day_of(&self, at: i64) -> jiff::civil::Date {
        jiff::Timestamp::from_millisecond(at)
            .map(|instant| instant.to_zoned(jiff::tz::TimeZone::UTC).date())
            .unwrap_or_default()
    }

    /// Takes the old lines' effect back and lets the document's lines have theirs; both or, if refused, neither.
    fn take_effect(&self, old: &[StoredLine], document: &mut Document) -> Result<StockAfter, XeroError> {
        let mut shelf = Shelf::new(|item| self.item(item).map_or_else(Stock::default, |row| row.value.stock));
        for line in old {
            if let Some(item) = line.item.filter(|_| line.moved != Moved::default()) {
                shelf.reverse(item, line.moved);
            }
        }
        let counts = rules::has_effect(document.status);
        let moves = AdvanceList::of(document.kind).is_none() || self.switches.advances_move_stock;
        let effect = if counts && moves { rules::stock_effect(document.kind) } else { StockEffect::None };
        if counts {
            self.check_lock(document)?;
        }
        let Document { lines, currency, amounts, .. } = document;
        for line in lines.iter_mut() {
            let tracked = line.item.filter(|item| self.item(*item).is_some_and(|row| row.value.is_tracked()));
            let Some(item) = tracked.filter(|_| line.quantity > E4::ZERO) else {
                line.moved = Moved::default();
                continue;
            };
            let value = || base_value(line, *amounts, currency.as_deref());
            line.moved = match effect {
                StockEffect::None => Moved::default(),
                StockEffect::Bring => shelf.bring(item, line.quantity, value()),
                StockEffect::Take => shelf.take(item, line.quantity, None),
                StockEffect::BringBack => shelf.bring_back(item, line.quantity),
                StockEffect::TakeBack => {
                    let given = self.switches.supplier_credit_at_line_amount.then(value);
                    shelf.take(item, line.quantity, given)
                }
            };
        }
        shelf.finish(&self.switches.oversell_text)
    }

    /// Puts the new stock on the items. Their `UpdatedDateUTC` stays: a stock change is no edit of the item.
    fn restock(&mut self, after: StockAfter, happenings: &mut Vec<Happening>) {
        for (index, stock) in after {
            let Some(row) = self.items.get_mut(index as usize) else { continue };
            let quantity = stock.on_hand - row.value.stock.on_hand;
            row.value.stock = stock;
            row.value.has_moved = true;
            if quantity != E4::ZERO {
                let item_code = row.value.item.code.clone();
                happenings.push(Happening::Stock { item_code, quantity, on_hand: stock.on_hand });
            }
        }
    }

    /// Checks lines and works out their amounts. Lines that continue none of the present ones get new serials.
    fn lines(
        &mut self,
        kind: DocumentKind,
        amounts: LineAmountTypes,
        lines: &[Line],
        present: &[StoredLine],
        mut next_serial: u32,
    ) -> Result<Vec<StoredLine>, XeroError> {
        if lines.is_empty() {
            return Err(XeroError::refused("One or more line items must be specified"));
        }
        if lines.len() > LINE_LIMIT {
            return Err(XeroError::refused(format!("A document can have at most {LINE_LIMIT} line items")));
        }
        let mut stored = Vec::with_capacity(lines.len());
        for line in lines {
            let continued = line.continues.and_then(|place| present.get(place as usize));
            let serial = match continued {
                Some(before) => before.serial,
                None => {
                    next_serial = next_serial.saturating_add(1);
                    next_serial - 1
                }
            };
            stored.push(self.line(kind, amounts, line, serial)?);
        }
        Ok(stored)
    }

    fn line(
        &mut self,
        kind: DocumentKind,
        amounts: LineAmountTypes,
        line: &Line,
        serial: u32,
    ) -> Result<StoredLine, XeroError> {
        if line.quantity < E4::ZERO {
            let quantity = line.quantity;
            return Err(XeroError::refused(format!(
                "The quantity value '{quantity}' is invalid. Quantity must not be less than zero."
            )));
        }
        self.check_tracking(&line.tracking)?;
        if line.discount_percent != E4::ZERO && kind != DocumentKind::Invoice {
            return Err(XeroError::refused("Only sales invoices can have discounts"));
        }
        let item = match line.item_code.as_deref() {
            None => None,
            Some(code) => {
                let index = self.item_by_code.get(code).copied().ok_or_else(|| no_item(code))?;
                let archived = self.item(index).is_some_and(|row| row.value.archived);
                if archived && line.continues.is_none() && self.switches.archived_item_is_refused {
                    return Err(no_item(code));
                }
                Some(index)
            }
        };
        let account = self.line_account(kind, item, line.account_code.as_deref())?;
        let description = match (&*line.description, item.and_then(|index| self.item(index))) {
            ("", None) => {
                return Err(XeroError::refused("Description needs to be at least 1 character long"));
            }
            ("", Some(row)) if row.value.item.name.is_empty() => row.value.item.code.clone(),
            ("", Some(row)) => row.value.item.name.clone(),
            (text, _) => text.to_owned(),
        };
        let amount = line_amount(line.quantity, line.unit_amount, line.discount_percent);
        let percent = match line.tax_type.as_deref() {
            None | Some("NONE") => E4::ZERO,
            Some(name) => self.tax_percent(name)?,
        };
        let tax_type = line.tax_type.as_deref().map(|name| self.shared(name));
        Ok(StoredLine {
            serial,
            item,
            account,
            description: self.shared(&description),
            quantity: line.quantity,
            unit_amount: line.unit_amount,
            discount_percent: line.discount_percent,
            amount,
            tax_type,
            tax: line_tax(amount, percent, amounts),
            tracking: (!line.tracking.is_empty()).then(|| line.tracking.clone().into()),
            moved: Moved::default(),
        })
    }

    fn tax_percent(&self, tax_type: &str) -> Result<E4, XeroError> {
        let rates = self.organisation.iter().flat_map(|row| &row.value.tax_rates);
        rates
            .into_iter()
            .find(|rate| rate.tax_type == tax_type)
            .map(|rate| rate.percent)
            .ok_or_else(|| XeroError::refused(format!("The TaxType code '{tax_type}' does not exist")))
    }

    /// The account of a line: the one named, or the item's. Stock bought belongs on the item's asset account, and
    /// only there can an inventory account be used.
    fn line_account(
        &self,
        kind: DocumentKind,
        item: Option<u32>,
        code: Option<&str>,
    ) -> Result<Option<u32>, XeroError> {
        let item = item.and_then(|index| self.item(index)).map(|row| &row.value.item);
        let sells = matches!(
            kind,
            DocumentKind::Invoice
                | DocumentKind::SalesCredit
                | DocumentKind::ReceiveMoney
                | DocumentKind::ReceivePrepayment
                | DocumentKind::ReceiveOverpayment
        );
        let usual = item.map(|item| match &item.tracking {
            _ if sells => item.sales_account.as_str(),
            Tracking::Tracked { asset_account, .. } => asset_account.as_str(),
            Tracking::Untracked { purchase_account } => purchase_account.as_str(),
        });
        let Some(code) = code.or(usual) else { return Ok(None) };
        let index = self.account_by_code.get(code).copied().ok_or_else(|| {
            XeroError::refused(format!("Account code '{code}' is not a valid code for this document."))
        })?;
        let tracked = item.is_some_and(|item| matches!(item.tracking, Tracking::Tracked { .. }));
        let buys_stock = tracked && !sells;
        let is_inventory = self.account(Some(index)).is_some_and(|account| account.account_type == INVENTORY);
        if kind != DocumentKind::PurchaseOrder {
            if is_inventory && !buys_stock {
                return Err(XeroError::refused(
                    "You cannot save this transaction using an inventory account type",
                ));
            }
            if buys_stock && Some(code) != usual {
                return Err(XeroError::refused("A tracked item must use its inventory asset account"));
            }
        }
        Ok(Some(index))
    }
}

impl Document {
    /// Works the totals out from the lines.
    fn add_up(&mut self) {
        let lines: E4 = self.lines.iter().map(|line| line.amount).sum();
        self.total_tax = self.lines.iter().map(|line| line.tax).sum();
        (self.sub_total, self.total) = match self.amounts {
            LineAmountTypes::Inclusive => (lines - self.total_tax, lines),
            LineAmountTypes::Exclusive | LineAmountTypes::NoTax => (lines, lines + self.total_tax),
        };
    }
}

fn count(lines: &[StoredLine]) -> u32 {
    u32::try_from(lines.len()).unwrap_or(u32::MAX)
}

/// What a line is worth without tax, in the base currency.
pub(super) fn base_value(line: &StoredLine, amounts: LineAmountTypes, currency: Option<&Currency>) -> E4 {
    let net = match amounts {
        LineAmountTypes::Inclusive => line.amount - line.tax,
        LineAmountTypes::Exclusive | LineAmountTypes::NoTax => line.amount,
    };
    in_base_currency(net, currency)
}

pub(super) fn happening(document: &Document, is_new: bool, is_payment: bool) -> Happening {
    Happening::Document {
        id: document.id,
        kind: document.kind,
        number: document.number.to_string(),
        is_new,
        status: document.status,
        is_payment,
    }
}
