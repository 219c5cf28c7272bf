//! The only place that knows how keys are spelt.
//!
//! Every partition key begins with its owner, so that no list of one organisation can reach into
//! another's. A sort key is a word, and behind `#` its parts from the coarse to the fine. Parts are
//! spelt so that strings sort as keys do (numbers with leading zeros, kinds behind their rank). A text
//! from outside, such as an item's code, is always the last part, taken as it is: nothing behind it can
//! be mistaken for it, whatever it contains.
//!
//! | partition | holds |
//! |---|---|
//! | `STACK` | orgs, tenants, connections, the minutes of apps, sign-in links |
//! | `ORG#<org>` | profile, policy, limits, lease, cursors, hints, codes, contacts, wants, troubles, proposals, effects, alerts, reviews, digests, proofs, cost of goods sold and its journals |
//! | `ORG#<org>#DOC` | documents and their further lines |
//! | `ORG#<org>#ITEM` | the list of items and of their settings |
//! | `ORG#<org>#ITEM#<item>` | an item's position, cost layers, checkpoints, movements, restatements, order lines, plan and supply |
//! | `ORG#<org>#AUDIT` | the audit trail, its head and how far it was checked |

use jiff::civil::Date;
use parstock_app::ports::Feed;
use parstock_app::records::{HintOf, Key, List, Owner};
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::ids::{DocumentId, ItemId, LocationId, OrgId};
use parstock_domain::ledger::{Cause, MovementKey};

/// Longest partition key in bytes (DynamoDB).
pub const PARTITION_BYTES_MAX: usize = 2048;
/// Longest sort key in bytes (DynamoDB).
pub const SORT_BYTES_MAX: usize = 1024;

/// Where a row lies in the table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// Its partition key, attribute `PK`.
    pub partition: String,
    /// Its sort key, attribute `SK`.
    pub sort: String,
}

/// Where the rows of a list lie: all of one partition whose sort key is so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Range {
    /// The partition key.
    pub partition: String,
    /// The sort keys.
    pub sort: Sort,
}

/// The sort keys of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sort {
    /// They begin so.
    BeginsWith(String),
    /// They lie between these two.
    Between(&'static str, &'static str),
}

impl Range {
    /// Whether a row with this address is in the list.
    pub fn contains(&self, address: &Address) -> bool {
        self.partition == address.partition
            && match &self.sort {
                Sort::BeginsWith(prefix) => address.sort.starts_with(prefix),
                Sort::Between(from, to) => (*from..=*to).contains(&address.sort.as_str()),
            }
    }
}

/// The partitions of an owner.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shelf {
    Main,
    Documents,
    Items,
    Item(ItemId),
    Audit,
}

const DOCUMENTS: &str = "#DOC";
const ITEMS: &str = "#ITEM";
const AUDIT: &str = "#AUDIT";

impl Shelf {
    fn partition(self, owner: Owner) -> String {
        let mut partition = match owner {
            Owner::Stack => "STACK".to_owned(),
            Owner::Org(org) => format!("ORG#{org}"),
        };
        match self {
            Self::Main => {}
            Self::Documents => partition.push_str(DOCUMENTS),
            Self::Items => partition.push_str(ITEMS),
            Self::Item(item) => {
                partition.push_str(ITEMS);
                partition.push('#');
                partition.push_str(&item.to_string());
            }
            Self::Audit => partition.push_str(AUDIT),
        }
        partition
    }

    fn parse(partition: &str) -> Option<(Owner, Self)> {
        /// Characters of a UUID with its hyphens.
        const UUID_CHARS: usize = 36;
        let (owner, shelf) = match partition.strip_prefix("ORG#") {
            Some(rest) => {
                let (org, shelf) = rest.split_at_checked(UUID_CHARS)?;
                (Owner::Org(OrgId(org.parse().ok()?)), shelf)
            }
            None => (Owner::Stack, partition.strip_prefix("STACK")?),
        };
        let shelf = match shelf {
            "" => Self::Main,
            DOCUMENTS => Self::Documents,
            ITEMS => Self::Items,
            AUDIT => Self::Audit,
            _ => Self::Item(shelf.strip_prefix(ITEMS)?.strip_prefix('#')?.parse().ok()?),
        };
        Some((owner, shelf))
    }
}

/// The address of a key.
pub fn address(owner: Owner, key: &Key) -> Address {
    let (shelf, sort) = match key {
        Key::Org(org) => (Shelf::Main, format!("ORG#{org}")),
        Key::Tenant(tenant) => (Shelf::Main, format!("TENANT#{tenant}")),
        Key::Connection(connection) => (Shelf::Main, format!("CONNECTION#{connection}")),
        Key::AppMinute(app) => (Shelf::Main, format!("APP_MINUTE#{app}")),
        Key::SignInLink(token) => (Shelf::Main, format!("SIGN_IN_LINK#{token}")),
        Key::SignInMails => (Shelf::Main, "SIGN_IN_MAILS".to_owned()),
        Key::Profile => (Shelf::Main, "PROFILE".to_owned()),
        Key::Policy => (Shelf::Main, "POLICY".to_owned()),
        Key::CallBudget => (Shelf::Main, "CALL_BUDGET".to_owned()),
        Key::Lease => (Shelf::Main, "LEASE".to_owned()),
        Key::Cursor(feed) => (Shelf::Main, format!("CURSOR#{}", feed.code())),
        Key::Hint(HintOf::Invoice(id)) => (Shelf::Main, format!("HINT#1-invoice#{id}")),
        Key::Hint(HintOf::CreditNotes) => (Shelf::Main, "HINT#2-credit_notes".to_owned()),
        Key::Hint(HintOf::Sync) => (Shelf::Main, "HINT#3-sync".to_owned()),
        Key::Hint(HintOf::Again(of)) => (Shelf::Main, format!("HINT#4-again#{}", document(*of))),
        Key::ItemCode(code) => (Shelf::Main, format!("ITEM_CODE#{code}")),
        Key::Contact(contact) => (Shelf::Main, format!("CONTACT#{contact}")),
        Key::SupplierSettings(contact) => (Shelf::Main, format!("SUPPLIER_SETTINGS#{contact}")),
        Key::Want(contact, item, location) => (Shelf::Main, format!("WANT#{contact}#{item}#{location}")),
        Key::Trouble(item, location) => (Shelf::Main, format!("TROUBLE#{item}#{location}")),
        Key::Touched(mark) => (Shelf::Main, format!("TOUCHED#{mark}")),
        Key::Proposal(proposal) => (Shelf::Main, format!("PROPOSAL#{proposal}")),
        Key::PendingProposal(contact) => (Shelf::Main, format!("PENDING_PROPOSAL#{contact}")),
        Key::Rejected(contact) => (Shelf::Main, format!("REJECTED#{contact}")),
        Key::Effect(effect) => (Shelf::Main, format!("EFFECT#{effect}")),
        Key::PendingEffect(effect) => (Shelf::Main, format!("PENDING_EFFECT#{effect}")),
        Key::Alert(alert) => (Shelf::Main, format!("ALERT#{alert}")),
        Key::Told(item, location) => (Shelf::Main, format!("TOLD#{item}#{location}")),
        Key::AlertBatch(batch) => (Shelf::Main, format!("ALERT_BATCH#{batch}")),
        Key::Review(review) => (Shelf::Main, format!("REVIEW#{review}")),
        Key::Digest(day) => (Shelf::Main, format!("DIGEST#{day}")),
        Key::Proof(day) => (Shelf::Main, format!("PROOF#{day}")),
        Key::Closing(month, number) => (Shelf::Main, format!("CLOSING#{month}#{number:010}")),
        Key::ClosedItems(month, number, part) => {
            (Shelf::Main, format!("CLOSED_ITEMS#{month}#{number:010}#{part:010}"))
        }
        Key::Cogs => (Shelf::Main, "COGS".to_owned()),
        Key::CogsMonth(month) => (Shelf::Main, format!("COGS_MONTH#{month}")),
        Key::CogsHeld(item) => (Shelf::Main, format!("COGS_HELD#{item}")),
        Key::Journal(number) => (Shelf::Main, format!("JOURNAL#{number}")),
        Key::Purchase(on, of) => (Shelf::Documents, format!("P#{on}#{}", document(*of))),
        Key::Voucher(number) => (Shelf::Main, format!("VOUCHER#{number}")),
        Key::PriceChange(item) => (Shelf::Main, format!("PRICE_CHANGE#{item}")),
        Key::GoodsReceipt(number) => (Shelf::Main, format!("GOODS_RECEIPT#{number}")),
        Key::Adjustment(number) => (Shelf::Main, format!("ADJUSTMENT#{number}")),
        Key::Document(of) => (Shelf::Documents, format!("D#{}", document(*of))),
        Key::DocumentLines(of, part) => (Shelf::Documents, format!("L#{}#{part:010}", document(*of))),
        Key::Item(item) => (Shelf::Items, format!("ITEM#{item}")),
        Key::ItemSettings(item) => (Shelf::Items, format!("SETTINGS#{item}")),
        Key::Supply(item) => (Shelf::Item(*item), "SUPPLY".to_owned()),
        Key::Position(item, location) => (Shelf::Item(*item), format!("POSITION#{location}")),
        Key::Layer(item, location) => (Shelf::Item(*item), format!("LAYER#{location}")),
        Key::Checkpoint(item, location, on) => (Shelf::Item(*item), format!("CHECKPOINT#{on}#{location}")),
        Key::Restatement(item, commit) => (Shelf::Item(*item), format!("RESTATEMENT#{commit}")),
        Key::Snapshot(item, on) => (Shelf::Item(*item), format!("SNAPSHOT#{on}")),
        Key::Movement(item, movement) => (Shelf::Item(*item), movement_sort(movement)),
        Key::OrderLine(item, order, line) => (Shelf::Item(*item), format!("ORDER_LINE#{order}#{line}")),
        Key::Plan(item, location) => (Shelf::Item(*item), format!("PLAN#{location}")),
        Key::Demand(item, location) => (Shelf::Item(*item), format!("DEMAND#{location}")),
        Key::AuditEntry(seq) => (Shelf::Audit, format!("ENTRY#{seq:020}")),
        Key::AuditHead => (Shelf::Audit, "HEAD".to_owned()),
        Key::AuditCheck => (Shelf::Audit, "CHECK".to_owned()),
    };
    Address { partition: shelf.partition(owner), sort }
}

/// The address of a list.
pub fn range(owner: Owner, list: &List) -> Range {
    let (shelf, prefix) = match list {
        List::MovementsAndOrderLines(item) => {
            // `$` is what follows `#`, and no other rows of an item lie between them
            let sort = Sort::Between("M#", "ORDER_LINE$");
            return Range { partition: Shelf::Item(*item).partition(owner), sort };
        }
        List::Orgs => (Shelf::Main, "ORG#".to_owned()),
        List::Hints => (Shelf::Main, "HINT#".to_owned()),
        List::Items => (Shelf::Items, "ITEM#".to_owned()),
        List::ItemSettings => (Shelf::Items, "SETTINGS#".to_owned()),
        List::SupplierSettings => (Shelf::Main, "SUPPLIER_SETTINGS#".to_owned()),
        List::Contacts => (Shelf::Main, "CONTACT#".to_owned()),
        List::Documents => (Shelf::Documents, "D#".to_owned()),
        List::DocumentLines(of) => (Shelf::Documents, format!("L#{}#", document(*of))),
        List::Movements(item) => (Shelf::Item(*item), "M#".to_owned()),
        List::Restatements(item) => (Shelf::Item(*item), "RESTATEMENT#".to_owned()),
        List::Snapshots(item) => (Shelf::Item(*item), "SNAPSHOT#".to_owned()),
        List::OrderLines(item) => (Shelf::Item(*item), "ORDER_LINE#".to_owned()),
        List::Wants => (Shelf::Main, "WANT#".to_owned()),
        List::Troubles => (Shelf::Main, "TROUBLE#".to_owned()),
        List::Touched => (Shelf::Main, "TOUCHED#".to_owned()),
        List::Proposals => (Shelf::Main, "PROPOSAL#".to_owned()),
        List::PendingProposals => (Shelf::Main, "PENDING_PROPOSAL#".to_owned()),
        List::PendingEffects => (Shelf::Main, "PENDING_EFFECT#".to_owned()),
        List::Alerts => (Shelf::Main, "ALERT#".to_owned()),
        List::Reviews => (Shelf::Main, "REVIEW#".to_owned()),
        List::Digests => (Shelf::Main, "DIGEST#".to_owned()),
        List::Closings => (Shelf::Main, "CLOSING#".to_owned()),
        List::ClosedItems(month, number) => (Shelf::Main, format!("CLOSED_ITEMS#{month}#{number:010}#")),
        List::CogsMonths => (Shelf::Main, "COGS_MONTH#".to_owned()),
        List::CogsHeld => (Shelf::Main, "COGS_HELD#".to_owned()),
        List::Journals => (Shelf::Main, "JOURNAL#".to_owned()),
        List::Purchases => (Shelf::Documents, "P#".to_owned()),
        List::Vouchers => (Shelf::Main, "VOUCHER#".to_owned()),
        List::PriceChanges => (Shelf::Main, "PRICE_CHANGE#".to_owned()),
        List::GoodsReceipts => (Shelf::Main, "GOODS_RECEIPT#".to_owned()),
        List::Adjustments => (Shelf::Main, "ADJUSTMENT#".to_owned()),
        List::AuditEntries => (Shelf::Audit, "ENTRY#".to_owned()),
    };
    Range { partition: shelf.partition(owner), sort: Sort::BeginsWith(prefix) }
}

/// The owner and key at an address; `None` where no key leads.
pub fn key(address: &Address) -> Option<(Owner, Key)> {
    let (owner, shelf) = Shelf::parse(&address.partition)?;
    let (word, rest) = address.sort.split_once('#').unwrap_or((&address.sort, ""));
    let key = match (shelf, word) {
        (Shelf::Main, "ORG") => Key::Org(rest.parse().ok()?),
        (Shelf::Main, "TENANT") => Key::Tenant(rest.parse().ok()?),
        (Shelf::Main, "CONNECTION") => Key::Connection(rest.to_owned()),
        (Shelf::Main, "APP_MINUTE") => Key::AppMinute(rest.to_owned()),
        (Shelf::Main, "SIGN_IN_LINK") => Key::SignInLink(rest.parse().ok()?),
        (Shelf::Main, "SIGN_IN_MAILS") => Key::SignInMails,
        (Shelf::Main, "PROFILE") => Key::Profile,
        (Shelf::Main, "POLICY") => Key::Policy,
        (Shelf::Main, "CALL_BUDGET") => Key::CallBudget,
        (Shelf::Main, "LEASE") => Key::Lease,
        (Shelf::Main, "CURSOR") => Key::Cursor(Feed::ALL.into_iter().find(|feed| feed.code() == rest)?),
        (Shelf::Main, "HINT") => Key::Hint(match rest.split_once('#') {
            Some(("1-invoice", id)) => HintOf::Invoice(id.parse().ok()?),
            Some(("4-again", of)) => {
                let (kind, id) = of.split_once('#')?;
                HintOf::Again(parse_document(kind, id)?)
            }
            None if rest == "2-credit_notes" => HintOf::CreditNotes,
            None if rest == "3-sync" => HintOf::Sync,
            _ => return None,
        }),
        (Shelf::Main, "ITEM_CODE") => Key::ItemCode(rest.to_owned()),
        (Shelf::Main, "CONTACT") => Key::Contact(rest.parse().ok()?),
        (Shelf::Main, "SUPPLIER_SETTINGS") => Key::SupplierSettings(rest.parse().ok()?),
        (Shelf::Main, "WANT") => {
            let (contact, rest) = rest.split_once('#')?;
            let (item, location) = rest.split_once('#')?;
            Key::Want(contact.parse().ok()?, item.parse().ok()?, LocationId(location.to_owned()))
        }
        (Shelf::Main, "TROUBLE") => {
            let (item, location) = rest.split_once('#')?;
            Key::Trouble(item.parse().ok()?, LocationId(location.to_owned()))
        }
        (Shelf::Main, "TOUCHED") => Key::Touched(rest.parse().ok()?),
        (Shelf::Main, "PROPOSAL") => Key::Proposal(rest.parse().ok()?),
        (Shelf::Main, "PENDING_PROPOSAL") => Key::PendingProposal(rest.parse().ok()?),
        (Shelf::Main, "REJECTED") => Key::Rejected(rest.parse().ok()?),
        (Shelf::Main, "EFFECT") => Key::Effect(rest.parse().ok()?),
        (Shelf::Main, "PENDING_EFFECT") => Key::PendingEffect(rest.parse().ok()?),
        (Shelf::Main, "ALERT") => Key::Alert(rest.parse().ok()?),
        (Shelf::Main, "TOLD") => {
            let (item, location) = rest.split_once('#')?;
            Key::Told(item.parse().ok()?, LocationId(location.to_owned()))
        }
        (Shelf::Main, "ALERT_BATCH") => Key::AlertBatch(rest.parse().ok()?),
        (Shelf::Main, "REVIEW") => Key::Review(rest.parse().ok()?),
        (Shelf::Main, "DIGEST") => Key::Digest(rest.parse().ok()?),
        (Shelf::Main, "PROOF") => Key::Proof(rest.parse().ok()?),
        (Shelf::Main, "CLOSING") => {
            let (month, number) = rest.split_once('#')?;
            Key::Closing(month.parse().ok()?, number.parse().ok()?)
        }
        (Shelf::Main, "CLOSED_ITEMS") => {
            let (month, rest) = rest.split_once('#')?;
            let (number, part) = rest.split_once('#')?;
            Key::ClosedItems(month.parse().ok()?, number.parse().ok()?, part.parse().ok()?)
        }
        (Shelf::Main, "COGS") => Key::Cogs,
        (Shelf::Main, "COGS_MONTH") => Key::CogsMonth(rest.parse().ok()?),
        (Shelf::Main, "COGS_HELD") => Key::CogsHeld(rest.parse().ok()?),
        (Shelf::Main, "JOURNAL") => Key::Journal(rest.parse().ok()?),
        (Shelf::Main, "VOUCHER") => Key::Voucher(rest.parse().ok()?),
        (Shelf::Main, "PRICE_CHANGE") => Key::PriceChange(rest.parse().ok()?),
        (Shelf::Main, "GOODS_RECEIPT") => Key::GoodsReceipt(rest.parse().ok()?),
        (Shelf::Main, "ADJUSTMENT") => Key::Adjustment(rest.parse().ok()?),
        (Shelf::Documents, "P") => {
            let (on, of) = rest.split_once('#')?;
            let (kind, id) = of.split_once('#')?;
            Key::Purchase(on.parse().ok()?, parse_document(kind, id)?)
        }
        (Shelf::Documents, "D") => {
            let (kind, id) = rest.split_once('#')?;
            Key::Document(parse_document(kind, id)?)
        }
        (Shelf::Documents, "L") => {
            let (kind, rest) = rest.split_once('#')?;
            let (id, part) = rest.split_once('#')?;
            Key::DocumentLines(parse_document(kind, id)?, part.parse().ok()?)
        }
        (Shelf::Items, "ITEM") => Key::Item(rest.parse().ok()?),
        (Shelf::Items, "SETTINGS") => Key::ItemSettings(rest.parse().ok()?),
        (Shelf::Item(item), "SUPPLY") => Key::Supply(item),
        (Shelf::Item(item), "POSITION") => Key::Position(item, LocationId(rest.to_owned())),
        (Shelf::Item(item), "LAYER") => Key::Layer(item, LocationId(rest.to_owned())),
        (Shelf::Item(item), "CHECKPOINT") => {
            let (on, location) = rest.split_once('#')?;
            Key::Checkpoint(item, LocationId(location.to_owned()), on.parse().ok()?)
        }
        (Shelf::Item(item), "RESTATEMENT") => Key::Restatement(item, rest.parse().ok()?),
        (Shelf::Item(item), "SNAPSHOT") => Key::Snapshot(item, rest.parse().ok()?),
        (Shelf::Item(item), "M") => Key::Movement(item, parse_movement(rest)?),
        (Shelf::Item(item), "ORDER_LINE") => {
            let (order, line) = rest.split_once('#')?;
            Key::OrderLine(item, DocumentId(order.parse().ok()?), line.parse().ok()?)
        }
        (Shelf::Item(item), "PLAN") => Key::Plan(item, LocationId(rest.to_owned())),
        (Shelf::Item(item), "DEMAND") => Key::Demand(item, LocationId(rest.to_owned())),
        (Shelf::Audit, "ENTRY") => Key::AuditEntry(rest.parse().ok()?),
        (Shelf::Audit, "HEAD") => Key::AuditHead,
        (Shelf::Audit, "CHECK") => Key::AuditCheck,
        _ => return None,
    };
    Some((owner, key))
}

/// The word for the kind of a key's row, as its attribute `type` has it.
pub const fn kind(key: &Key) -> &'static str {
    match key {
        Key::Org(_) => "org",
        Key::Tenant(_) => "tenant",
        Key::Connection(_) => "connection",
        Key::AppMinute(_) => "app_minute",
        Key::SignInLink(_) => "sign_in_link",
        Key::SignInMails => "sign_in_mails",
        Key::Profile => "profile",
        Key::Policy => "policy",
        Key::CallBudget => "call_budget",
        Key::Lease => "lease",
        Key::Cursor(_) => "cursor",
        Key::Hint(_) => "hint",
        Key::Item(_) => "item",
        Key::ItemCode(_) => "item_code",
        Key::Contact(_) => "contact",
        Key::ItemSettings(_) => "item_settings",
        Key::SupplierSettings(_) => "supplier_settings",
        Key::Supply(_) => "supply",
        Key::Document(_) => "document",
        Key::DocumentLines(..) => "document_lines",
        Key::Position(..) => "position",
        Key::Layer(..) => "layer",
        Key::Checkpoint(..) => "checkpoint",
        Key::Restatement(..) => "restatement",
        Key::Snapshot(..) => "snapshot",
        Key::Movement(..) => "movement",
        Key::OrderLine(..) => "order_line",
        Key::Plan(..) => "plan",
        Key::Demand(..) => "demand",
        Key::Want(..) => "want",
        Key::Trouble(..) => "trouble",
        Key::Touched(_) => "touched",
        Key::Proposal(_) => "proposal",
        Key::PendingProposal(_) => "pending_proposal",
        Key::Rejected(_) => "rejected",
        Key::Effect(_) => "effect",
        Key::PendingEffect(_) => "pending_effect",
        Key::Alert(_) => "alert",
        Key::Told(..) => "told",
        Key::AlertBatch(_) => "alert_batch",
        Key::Review(_) => "review",
        Key::Digest(_) => "digest",
        Key::Proof(_) => "proof",
        Key::Closing(..) => "closing",
        Key::ClosedItems(..) => "closed_items",
        Key::Cogs => "cogs",
        Key::CogsMonth(_) => "cogs_month",
        Key::CogsHeld(_) => "cogs_held",
        Key::Journal(_) => "journal",
        Key::Purchase(..) => "purchase",
        Key::Voucher(_) => "voucher",
        Key::PriceChange(_) => "price_change",
        Key::GoodsReceipt(_) => "goods_receipt",
        Key::Adjustment(_) => "adjustment",
        Key::AuditEntry(_) => "audit_entry",
        Key::AuditHead => "audit_head",
        Key::AuditCheck => "audit_check",
    }
}

/// A document kind behind its rank, so that kinds sort in the order of the domain.
const fn kind_part(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::GoodsReceipt => "2-goods_receipt",
        DocumentKind::Bill => "3-bill",
        DocumentKind::SpendMoney => "4-spend_money",
        DocumentKind::SalesCredit => "5-sales_credit",
        DocumentKind::SalesInvoice => "6-sales_invoice",
        DocumentKind::ReceiveMoney => "7-receive_money",
        DocumentKind::SupplierCredit => "8-supplier_credit",
        DocumentKind::PurchaseOrder => "9-purchase_order",
    }
}

/// The causes that come before the documents of their day.
const OPENING: &str = "0-opening";
const COUNT: &str = "1-count";
/// The causes that come behind them.
const LANDED_COST: &str = "A-landed_cost";
const ADJUSTMENT: &str = "B-adjustment";

fn document(of: DocumentRef) -> String {
    format!("{}#{}", kind_part(of.kind), of.id)
}

fn parse_document(kind: &str, id: &str) -> Option<DocumentRef> {
    let kind = DocumentKind::ALL.into_iter().find(|each| kind_part(*each) == kind)?;
    Some(DocumentRef { kind, id: id.parse().ok()? })
}

/// `M#<effective day>#<0 in, 1 out>#<cause>#<revision>#<0, or 1 for a correction>`.
fn movement_sort(key: &MovementKey) -> String {
    let cause = match key.cause {
        Cause::Opening => OPENING.to_owned(),
        Cause::Count => COUNT.to_owned(),
        Cause::Document { of, line } => format!("{}#{line}", document(of)),
        Cause::LandedCost { voucher, of, line } => format!("{LANDED_COST}#{voucher}#{}#{line}", document(of)),
        Cause::Adjustment { number, line } => format!("{ADJUSTMENT}#{number}#{line:010}"),
    };
    let (out, correction) = (u8::from(key.out), u8::from(key.correction));
    format!("M#{}#{out}#{cause}#{:010}#{correction}", key.effective_on, key.revision)
}

fn parse_movement(rest: &str) -> Option<MovementKey> {
    let parts: Vec<&str> = rest.split('#').collect();
    let (day, out, cause, revision, correction) = match parts.as_slice() {
        [day, out, ADJUSTMENT, number, line, revision, correction] => {
            let cause = Cause::Adjustment { number: number.parse().ok()?, line: line.parse().ok()? };
            (day, out, cause, revision, correction)
        }
        [day, out, kind, id, line, revision, correction] => {
            let cause = Cause::Document { of: parse_document(kind, id)?, line: line.parse().ok()? };
            (day, out, cause, revision, correction)
        }
        [day, out, LANDED_COST, voucher, kind, id, line, revision, correction] => {
            let (voucher, of) = (voucher.parse().ok()?, parse_document(kind, id)?);
            let cause = Cause::LandedCost { voucher, of, line: line.parse().ok()? };
            (day, out, cause, revision, correction)
        }
        [day, out, OPENING, revision, correction] => (day, out, Cause::Opening, revision, correction),
        [day, out, COUNT, revision, correction] => (day, out, Cause::Count, revision, correction),
        _ => return None,
    };
    Some(MovementKey {
        effective_on: day.parse::<Date>().ok()?,
        out: flag(out)?,
        cause,
        revision: revision.parse().ok()?,
        correction: flag(correction)?,
    })
}

fn flag(text: &str) -> Option<bool> {
    match text {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::cmp::Ordering;

    use parstock_domain::adjustment::AdjustmentNumber;
    use parstock_domain::audit::Hash;
    use parstock_domain::ids::{CommitId, ContactId, EffectId, LineId, ProposalId};
    use proptest::prelude::*;
    use uuid::Uuid;

    use parstock_domain::ids::DayNumber;

    use super::*;

    /// Few ids, so that keys meet.
    fn id() -> impl Strategy<Value = Uuid> {
        prop_oneof![
            (0u128..4).prop_map(|n| Uuid::from_u128(n << 100 | n)),
            any::<u128>().prop_map(Uuid::from_u128)
        ]
    }
    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[#A-C]{0,4}", ".{0,12}", Just("main".to_owned())]
    }
    fn location() -> impl Strategy<Value = LocationId> {
        text().prop_map(LocationId)
    }
    fn item() -> impl Strategy<Value = ItemId> {
        id().prop_map(ItemId)
    }
    fn contact() -> impl Strategy<Value = ContactId> {
        id().prop_map(ContactId)
    }
    fn day() -> impl Strategy<Value = Date> {
        prop_oneof![(2024i16..2026, 1i8..13, 1i8..4), (0i16..=9999, 1i8..13, 1i8..29)]
            .prop_map(|(year, month, day)| Date::new(year, month, day).unwrap())
    }
    fn document_ref() -> impl Strategy<Value = DocumentRef> {
        (prop::sample::select(DocumentKind::ALL.to_vec()), id())
            .prop_map(|(kind, id)| DocumentRef { kind, id: DocumentId(id) })
    }
    fn number() -> impl Strategy<Value = u32> {
        prop_oneof![0u32..12, any::<u32>()]
    }
    fn voucher() -> impl Strategy<Value = DayNumber> {
        (day(), 1u32..=DayNumber::INDEX_MAX).prop_map(|(on, index)| DayNumber { on, index })
    }
    fn movement() -> impl Strategy<Value = MovementKey> {
        let cause = prop_oneof![
            Just(Cause::Opening),
            Just(Cause::Count),
            (document_ref(), id()).prop_map(|(of, line)| Cause::Document { of, line: LineId(line) }),
            (voucher(), document_ref(), id()).prop_map(|(voucher, of, line)| Cause::LandedCost {
                voucher,
                of,
                line: LineId(line)
            }),
            (voucher(), number())
                .prop_map(|(number, line)| Cause::Adjustment { number: AdjustmentNumber(number), line }),
        ];
        (day(), any::<bool>(), cause, number(), any::<bool>()).prop_map(
            |(effective_on, out, cause, revision, correction)| MovementKey {
                effective_on,
                out,
                cause,
                revision,
                correction,
            },
        )
    }
    fn any_key() -> impl Strategy<Value = Key> {
        prop_oneof![
            id().prop_map(|id| Key::Org(OrgId(id))),
            id().prop_map(Key::Tenant),
            text().prop_map(Key::Connection),
            text().prop_map(Key::AppMinute),
            id().prop_map(|id| Key::SignInLink(Hash::of(id.as_bytes()))),
            prop::sample::select(vec![
                Key::Profile,
                Key::Policy,
                Key::CallBudget,
                Key::Lease,
                Key::AuditHead,
                Key::AuditCheck,
                Key::SignInMails,
                Key::Hint(HintOf::CreditNotes),
                Key::Hint(HintOf::Sync),
            ]),
            prop::sample::select(Feed::ALL.to_vec()).prop_map(Key::Cursor),
            id().prop_map(|id| Key::Hint(HintOf::Invoice(DocumentId(id)))),
            document_ref().prop_map(|of| Key::Hint(HintOf::Again(of))),
            item().prop_map(Key::Item),
            text().prop_map(Key::ItemCode),
            contact().prop_map(Key::Contact),
            item().prop_map(Key::ItemSettings),
            contact().prop_map(Key::SupplierSettings),
            item().prop_map(Key::Supply),
            document_ref().prop_map(Key::Document),
            (document_ref(), number()).prop_map(|(of, part)| Key::DocumentLines(of, part)),
            (item(), location()).prop_map(|(item, location)| Key::Position(item, location)),
            (item(), location()).prop_map(|(item, location)| Key::Layer(item, location)),
            (item(), location(), day()).prop_map(|(item, location, on)| Key::Checkpoint(item, location, on)),
            (item(), id()).prop_map(|(item, commit)| Key::Restatement(item, CommitId(commit))),
            (item(), day()).prop_map(|(item, on)| Key::Snapshot(item, on)),
            (item(), movement()).prop_map(|(item, key)| Key::Movement(item, key)),
            (item(), id(), id()).prop_map(|(item, order, line)| Key::OrderLine(
                item,
                DocumentId(order),
                LineId(line)
            )),
            (item(), location()).prop_map(|(item, location)| Key::Plan(item, location)),
            (item(), location()).prop_map(|(item, location)| Key::Demand(item, location)),
            (contact(), item(), location())
                .prop_map(|(contact, item, location)| Key::Want(contact, item, location)),
            (item(), location()).prop_map(|(item, location)| Key::Trouble(item, location)),
            id().prop_map(Key::Touched),
            id().prop_map(|id| Key::Proposal(ProposalId(id))),
            contact().prop_map(Key::PendingProposal),
            contact().prop_map(Key::Rejected),
            id().prop_map(|id| Key::Effect(EffectId(id))),
            id().prop_map(|id| Key::PendingEffect(EffectId(id))),
            id().prop_map(Key::Alert),
            (item(), location()).prop_map(|(item, location)| Key::Told(item, location)),
            id().prop_map(Key::AlertBatch),
            id().prop_map(Key::Review),
            day().prop_map(Key::Digest),
            day().prop_map(Key::Proof),
            (day(), number()).prop_map(|(month, number)| Key::Closing(month, number)),
            (day(), number(), number())
                .prop_map(|(month, number, part)| Key::ClosedItems(month, number, part)),
            Just(Key::Cogs),
            day().prop_map(|day| Key::CogsMonth(day.first_of_month())),
            item().prop_map(Key::CogsHeld),
            voucher().prop_map(Key::Journal),
            voucher().prop_map(Key::Voucher),
            voucher().prop_map(|number| Key::Adjustment(AdjustmentNumber(number))),
            item().prop_map(Key::PriceChange),
            voucher().prop_map(Key::GoodsReceipt),
            (day(), document_ref()).prop_map(|(on, of)| Key::Purchase(on, of)),
            any::<u64>().prop_map(Key::AuditEntry),
        ]
    }
    fn any_owner() -> impl Strategy<Value = Owner> {
        prop_oneof![Just(Owner::Stack), id().prop_map(|id| Owner::Org(OrgId(id)))]
    }
    fn any_list() -> impl Strategy<Value = List> {
        prop_oneof![
            prop::sample::select(vec![
                List::Orgs,
                List::CogsMonths,
                List::CogsHeld,
                List::Journals,
                List::Purchases,
                List::Vouchers,
                List::PriceChanges,
                List::GoodsReceipts,
                List::Adjustments,
                List::Hints,
                List::Items,
                List::ItemSettings,
                List::SupplierSettings,
                List::Contacts,
                List::Documents,
                List::Wants,
                List::Troubles,
                List::Touched,
                List::Proposals,
                List::PendingProposals,
                List::PendingEffects,
                List::Alerts,
                List::Reviews,
                List::Digests,
                List::Closings,
                List::AuditEntries,
            ]),
            document_ref().prop_map(List::DocumentLines),
            (day(), number()).prop_map(|(month, number)| List::ClosedItems(month, number)),
            item().prop_map(List::Movements),
            item().prop_map(List::Snapshots),
            item().prop_map(List::OrderLines),
            item().prop_map(List::MovementsAndOrderLines),
        ]
    }

    /// Day, in before out, openings and counts before documents, landed cost and adjustments behind them, kind, document, line, revision, reversals last.
    fn documented_order(left: &MovementKey, right: &MovementKey) -> Ordering {
        let rank = |key: &MovementKey| {
            let cause = match key.cause {
                Cause::Opening => (0, None, None, 0),
                Cause::Count => (1, None, None, 0),
                Cause::Document { of, line } => (2, None, Some((of.kind, of.id, line)), 0),
                Cause::LandedCost { voucher, of, line } => {
                    (3, Some(voucher), Some((of.kind, of.id, line)), 0)
                }
                Cause::Adjustment { number, line } => (4, Some(number.0), None, line),
            };
            (key.effective_on, key.out, cause, key.revision, key.correction)
        };
        rank(left).cmp(&rank(right))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        /// The way back exists for every key, so no two keys share an address either.
        #[test]
        fn an_address_leads_back_to_its_owner_and_key(owner in any_owner(), key in any_key()) {
            let address = address(owner, &key);
            prop_assert_eq!(super::key(&address), Some((owner, key)));
            prop_assert!(address.partition.len() <= PARTITION_BYTES_MAX);
        }

        #[test]
        fn two_keys_have_two_addresses(owner in any_owner(), left in any_key(), right in any_key()) {
            prop_assert_eq!(left == right, address(owner, &left) == address(owner, &right));
        }

        #[test]
        fn no_org_shares_a_partition_with_another_or_the_stack(
            left in any_owner(), right in any_owner(), of_left in any_key(), of_right in any_key(), list in any_list(),
        ) {
            prop_assume!(left != right);
            let (left, right) = ((address(left, &of_left), range(left, &list)), address(right, &of_right));
            prop_assert_ne!(&left.0.partition, &right.partition);
            prop_assert!(!left.1.contains(&right));
        }

        /// The table's lists hold what the port says they hold.
        #[test]
        fn a_range_contains_exactly_the_keys_of_its_list(owner in any_owner(), key in any_key(), list in any_list()) {
            prop_assert_eq!(range(owner, &list).contains(&address(owner, &key)), list.holds(&key));
        }

        #[test]
        fn documents_and_wants_sort_as_their_keys(
            documents in (document_ref(), document_ref()),
            parts in (document_ref(), number(), number()),
            wants in (contact(), item(), location(), contact(), item(), location()),
            entries in (any::<u64>(), any::<u64>()),
        ) {
            let (contact, item, location, other_contact, other_item, other_location) = wants;
            let pairs = [
                (Key::Document(documents.0), Key::Document(documents.1)),
                (Key::DocumentLines(parts.0, parts.1), Key::DocumentLines(parts.0, parts.2)),
                (Key::Want(contact, item, location.clone()), Key::Want(other_contact, other_item, other_location.clone())),
                (Key::Want(contact, item, location), Key::Want(contact, item, other_location)),
                (Key::AuditEntry(entries.0), Key::AuditEntry(entries.1)),
            ];
            for (left, right) in pairs {
                let sorts = (address(Owner::Stack, &left).sort, address(Owner::Stack, &right).sort);
                prop_assert_eq!(left.cmp(&right), sorts.0.cmp(&sorts.1), "{:?} {:?}", sorts.0, sorts.1);
            }
        }

        #[test]
        fn movements_sort_in_the_order_of_history(left in movement(), right in movement()) {
            let item = ItemId(Uuid::nil());
            let sort = |key| address(Owner::Stack, &Key::Movement(item, key)).sort;
            prop_assert_eq!(documented_order(&left, &right), sort(left).cmp(&sort(right)));
            prop_assert_eq!(documented_order(&left, &right), left.cmp(&right));
        }

        #[test]
        fn no_text_from_outside_breaks_the_way_back(partition in ".{0,60}", sort in ".{0,60}") {
            let address = Address { partition, sort };
            if let Some((owner, found)) = key(&address) {
                // what can be read at all may only be spelt otherwise, never be another key
                prop_assert_eq!(key(&super::address(owner, &found)), Some((owner, found)));
            }
        }
    }

    proptest! {
        // each case has dozens of keys
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Movements have a test of their own.
        #[test]
        fn within_a_list_strings_sort_as_keys(
            owner in any_owner(), list in any_list(), mut keys in prop::collection::vec(any_key(), 2..80),
        ) {
            keys.retain(|key| list.holds(key) && !matches!(key, Key::Movement(..)));
            let mut by_string = keys.clone();
            keys.sort();
            by_string.sort_by_key(|key| address(owner, key).sort);
            prop_assert_eq!(keys, by_string);
        }
    }

    #[test]
    fn keys_read_as_the_decisions_spell_them() {
        let org = Owner::Org(OrgId(Uuid::from_u128(1)));
        let (item, document) = (ItemId(Uuid::from_u128(2)), DocumentId(Uuid::from_u128(3)));
        let of = DocumentRef { kind: DocumentKind::SalesInvoice, id: document };
        let movement = MovementKey {
            effective_on: "2026-03-01".parse().unwrap(),
            out: true,
            cause: Cause::Document { of, line: LineId(Uuid::from_u128(4)) },
            revision: 7,
            correction: false,
        };
        let address = address(org, &Key::Movement(item, movement));
        assert_eq!(
            address.partition,
            "ORG#00000000-0000-0000-0000-000000000001#ITEM#00000000-0000-0000-0000-000000000002"
        );
        assert_eq!(
            address.sort,
            "M#2026-03-01#1#6-sales_invoice#00000000-0000-0000-0000-000000000003#\
             00000000-0000-0000-0000-000000000004#0000000007#0"
        );
    }
}
