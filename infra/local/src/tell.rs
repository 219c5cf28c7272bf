//! What happens, told in plain words as it happens. All of it is read from the simulator's acts and from the
//! store: the audit trail, warnings and proposals.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use parstock_app::error::AppError;
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{
    Backfill, CallBudgetRecord, DocumentRecord, Effect, EffectKind, Key, List, Owner, Profile,
};
use parstock_domain::alert::{Alert, AlertKind};
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::document::{DocumentKind, DocumentRef, Item};
use parstock_domain::event::{EventType, Source};
use parstock_domain::governance::Proposal;
use parstock_domain::ids::{DocumentId, EffectId, ItemId, OrgId, ProposalId};
use parstock_views::text;
use parstock_xero::{Answer, BudgetState, Priority, RateProblem, Wait};
use parstock_xero_sim::act::{self, Act, NewDocument, Status, TimedAct};
use uuid::Uuid;

use crate::driver::{Done, next_tick};
use crate::error::LocalError;
use crate::ports::LocalPorts;

/// Characters of the word that a line begins with, and the blank behind it.
const WORD_CHARS: usize = 10;
/// Calls that a step of the first load asks for: a page of each feed and one of items.
const FIRST_LOAD_CALLS: u32 = 5;
/// Lines of a document that are spelt out.
const LINES_SHOWN: usize = 3;

/// Follows an org and tells what is new in it.
pub struct Teller {
    ports: Arc<LocalPorts>,
    org: OrgId,
    name: String,
    zone: TimeZone,
    /// The last audit entry that was told.
    told: u64,
    warned: BTreeSet<Uuid>,
    /// Which limit of Xero stands in the way.
    waits: Option<Wait>,
    /// How far reading was when it was told to fail.
    failing: Option<Progress>,
    /// What a person has to do.
    person: Option<String>,
}

/// How far reading is: it has succeeded again when this has changed.
type Progress = (Option<Timestamp>, Backfill);

impl Teller {
    /// Tells what happens from now on.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn new(ports: Arc<LocalPorts>, org: OrgId) -> Result<Self, LocalError> {
        let head =
            load::one::<parstock_domain::audit::Head>(ports.store(), Owner::Org(org), Key::AuditHead).await?;
        let profile = load::one::<Profile>(ports.store(), Owner::Org(org), Key::Profile).await?;
        let alerts = load::all::<Alert>(ports.store(), org, &List::Alerts).await?;
        // what stands was told by the process before this one
        let warned = alerts.into_iter().filter_map(|(key, _)| match key {
            Key::Alert(id) => Some(id),
            _ => None,
        });
        let warned = warned.collect();
        let (name, zone) = profile.map_or_else(Default::default, |profile| {
            (profile.content.organisation.name, profile.content.time_zone)
        });
        let zone = TimeZone::get(&zone).map_err(LocalError::outside)?;
        let told = head.map_or(0, |head| head.content.seq);
        Ok(Self { ports, org, name, zone, told, warned, waits: None, failing: None, person: None })
    }

    /// The organisation's name.
    pub fn org_name(&self) -> &str {
        &self.name
    }

    /// The clock on the wall of the organisation.
    pub fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone.clone()).strftime("%a %-d %b %H:%M").to_string()
    }

    /// Leaves out what happened so far.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn skip(&mut self) -> Result<(), LocalError> {
        let owner = Owner::Org(self.org);
        let head =
            load::one::<parstock_domain::audit::Head>(self.ports.store(), owner, Key::AuditHead).await?;
        self.told = head.map_or(self.told, |head| head.content.seq);
        Ok(())
    }

    /// What is to be told after a step, besides [`Self::troubles`].
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn lines(&mut self, done: &Done) -> Result<Vec<String>, LocalError> {
        let mut said = Vec::new();
        match done {
            Done::Traded(acts) => said.extend(acts.iter().filter_map(acted)),
            Done::Delivered { payloads: 0 }
            | Done::Ticked
            | Done::Polled(_)
            | Done::Batch { .. }
            | Done::Decided(None) => {}
            Done::Delivered { .. } => said.push("webhook   Xero tells that something changed".to_owned()),
            Done::Decided(Some(proposal)) => {
                said.push(format!("approved  the owner approves the order to {}", proposal.supplier_name));
            }
        }
        if !matches!(done, Done::Traded(_) | Done::Delivered { .. }) {
            said.extend(self.warnings().await?);
            said.extend(self.audited().await?);
        }
        Ok(self.set(said))
    }

    /// What stands in the way of work, as far as a step changed it: a failure with its cause, a limit of Xero
    /// with the hour at which it goes on, what a person has to do; and that it is over.
    ///
    /// # Errors
    /// When the store doesn't answer.
    pub async fn troubles(&mut self, done: &Done) -> Result<Vec<String>, LocalError> {
        let mut said = Vec::new();
        let owner = Owner::Org(self.org);
        let profile = load::one::<Profile>(self.ports.store(), owner, Key::Profile).await?;
        let Some(profile) = profile.map(|profile| profile.content) else { return Ok(said) };
        let failure = match done {
            Done::Polled(failure) => failure.as_ref().map(ToString::to_string),
            Done::Batch { back, .. } => back.first().map(|record| record.why.clone()),
            _ => None,
        };
        let progress = (profile.polled_at, profile.backfill);
        match (failure, &self.failing) {
            (Some(why), None) => {
                said.push(format!(
                    "problem   {why}; it is tried again, at the latest at {}",
                    self.next_poll()
                ));
                self.failing = Some(progress);
            }
            (None, Some(failed_at)) if *failed_at != progress => {
                said.push("goes on   Xero answers again".to_owned());
                self.failing = None;
            }
            _ => {}
        }
        if profile.needs_person != self.person {
            said.push(match &profile.needs_person {
                Some(what) => format!("your turn {what}"),
                None => "goes on   what waited for you is done".to_owned(),
            });
            self.person = profile.needs_person;
        }
        said.extend(self.limits(profile.backfill).await?);
        Ok(self.set(said))
    }

    /// Which limit of Xero keeps the next read waiting, if that has changed.
    async fn limits(&mut self, backfill: Backfill) -> Result<Option<String>, LocalError> {
        let owner = Owner::Org(self.org);
        let kept = load::one::<CallBudgetRecord>(self.ports.store(), owner, Key::CallBudget).await?;
        let Some(kept) = kept else { return Ok(None) };
        let mut state: BudgetState = serde_json::from_str(&kept.content.state)?;
        let left = state.day_left();
        // asked of a copy, which is not kept: what the next read would be told
        let (priority, calls) = match backfill {
            Backfill::Done { .. } => (Priority::Poll, 1),
            _ => (Priority::Backfill, FIRST_LOAD_CALLS),
        };
        let waits = match state.grant(priority, calls, self.ports.clock.now()) {
            Answer::Granted(_) | Answer::NotBefore { why: Wait::Concurrent | Wait::Token, .. } => None,
            Answer::NotBefore { until, why } => Some((until, why)),
        };
        let before = std::mem::replace(&mut self.waits, waits.map(|(_, why)| why));
        Ok(match waits {
            Some((_, why)) if before == Some(why) => None,
            None => before.map(|_| "goes on   Xero takes calls again".to_owned()),
            Some((until, why)) => {
                let why = match why {
                    Wait::Day | Wait::Parked(RateProblem::Day) if left == 0 => {
                        "Xero's calls of the day are used up".to_owned()
                    }
                    Wait::Day | Wait::Parked(RateProblem::Day) => {
                        format!("the last {left} of Xero's calls of the day are kept for what is more urgent")
                    }
                    Wait::Parked(_) => "Xero asked to wait".to_owned(),
                    _ => "Xero's calls of the minute are used up".to_owned(),
                };
                // what had to wait is asked for by the poll after that
                Some(format!("waits     {why}; it goes on at {}", self.local(next_tick(until))))
            }
        })
    }

    fn next_poll(&self) -> String {
        self.local(next_tick(self.ports.clock.now()))
    }

    /// Lines with the hour and in columns.
    fn set(&self, said: Vec<String>) -> Vec<String> {
        let at = self.local(self.ports.clock.now());
        let line = |line: String| {
            let (word, rest) = line.split_at_checked(WORD_CHARS).unwrap_or(("", &line));
            format!("{at}  {:<9} {}", word.trim_end(), text::plain(rest))
        };
        said.into_iter().map(line).collect()
    }

    async fn warnings(&mut self) -> Result<Vec<String>, AppError> {
        let mut said = Vec::new();
        for (key, alert) in load::all::<Alert>(self.ports.store(), self.org, &List::Alerts).await? {
            let Key::Alert(id) = key else { continue };
            if !self.warned.insert(id) {
                continue;
            }
            let alert = alert.content;
            let item = self.item(alert.item).await?;
            let what = match alert.kind {
                AlertKind::OutOfStock => "out of stock".to_owned(),
                AlertKind::BelowReorderPoint => alert.reorder_point.map_or_else(
                    || "low stock".to_owned(),
                    |point| format!("low stock: {} available, reorder point {point}", alert.available),
                ),
            };
            said.push(format!("warning   {item}: {what}"));
        }
        Ok(said)
    }

    async fn item(&self, item: ItemId) -> Result<String, AppError> {
        let row = load::one::<Item>(self.ports.store(), Owner::Org(self.org), Key::Item(item)).await?;
        Ok(row.map_or_else(|| item.to_string(), |row| format!("{} {}", row.content.code, row.content.name)))
    }

    async fn audited(&mut self) -> Result<Vec<String>, LocalError> {
        let mut said = Vec::new();
        loop {
            let after = Key::AuditEntry(self.told);
            let owner = Owner::Org(self.org);
            let page = parstock_app::ports::Store::list(
                self.ports.store(),
                owner,
                &List::AuditEntries,
                (self.told > 0).then_some(&after),
                100,
            )
            .await?;
            for row in page.rows {
                let Some(entry) = load::decode_row::<Entry>(Some(row))? else { continue };
                self.told = entry.content.seq;
                let statement: Statement = serde_json::from_str(&entry.content.payload)?;
                said.extend(self.stated(&statement).await?);
            }
            if page.next.is_none() {
                return Ok(said);
            }
        }
    }

    async fn stated(&self, statement: &Statement) -> Result<Option<String>, LocalError> {
        let detail = |name: &str| statement.details.get(name).map_or("", String::as_str);
        let line = match statement.what.as_str() {
            "book document" => {
                let Some(event) = &statement.event else { return Ok(None) };
                let movements = detail("movements");
                let how = match (event.source, event.what) {
                    (Source::Webhook, _) => "told by webhook",
                    (Source::Poll, EventType::InvoiceCreated | EventType::BillCreated) => {
                        "no webhook came, the poll found it"
                    }
                    (Source::Poll, _) => "found by the poll",
                    (Source::Effect, _) => "our own",
                    (Source::Person, _) => "by a person",
                };
                format!(
                    "booked    {} {}: {movements} stock movement{} ({how})",
                    event.what.name(),
                    detail("number"),
                    if movements == "1" { "" } else { "s" }
                )
            }
            "propose order" | "change proposal" | "withdraw proposal" => {
                let Some(proposal) = self.proposal(detail("proposal")).await? else { return Ok(None) };
                let total = proposal.total().map_err(LocalError::outside)?;
                let lines = proposal.lines.len();
                let first = proposal.lines.first();
                let because =
                    first.map_or_else(String::new, |line| format!("; {}: {}", line.code, line.reason));
                match statement.what.as_str() {
                    "propose order" => format!(
                        "proposed  order to {}: {lines} items for {total}{because}",
                        proposal.supplier_name
                    ),
                    "change proposal" => {
                        format!(
                            "proposed  order to {} is now {lines} items for {total}",
                            proposal.supplier_name
                        )
                    }
                    _ => format!("withdrawn order to {}", proposal.supplier_name),
                }
            }
            what if what == parstock_app::effects::ORDER_WRITTEN => {
                let order: Option<DocumentId> = detail("order").parse().ok();
                let Some(proposal) = self.proposal(detail("proposal")).await? else { return Ok(None) };
                let number = match order {
                    Some(id) => self.document_number(DocumentKind::PurchaseOrder, id).await?,
                    None => None,
                };
                let number = number.unwrap_or_else(|| proposal.id.order_number("PS-"));
                let first = proposal.lines.first();
                let because = first
                    .map_or_else(String::new, |line| format!(", because {}: {}", line.code, line.reason));
                format!(
                    "ordered   DRAFT purchase order {number} to {} is in Xero{because}",
                    proposal.supplier_name
                )
            }
            "order failed" => format!("problem   an order could not be written: {}", detail("reason")),
            "put digest together" => {
                let silent = if detail("sent") == "false" { ", not sent: nothing is new" } else { "" };
                format!("digest    of {} is put together{silent}", detail("day"))
            }
            "notice sent" => {
                let Some(effect) = self.effect(detail("effect")).await? else { return Ok(None) };
                let path =
                    |id: &str| self.ports.mailer.html_path(&format!("{id}@parstock")).display().to_string();
                match effect.what {
                    EffectKind::DigestMail { .. } => {
                        format!("digest    mailed, open {}", path(detail("effect")))
                    }
                    EffectKind::AlertMail { .. } => {
                        format!("warned    by mail, open {}", path(detail("effect")))
                    }
                    _ => return Ok(None),
                }
            }
            "notice failed" => format!("problem   a notice could not be sent: {}", detail("reason")),
            "derive opening balances" => {
                format!("opened    {} tracked items with the stock that Xero holds", detail("items"))
            }
            _ => return Ok(None),
        };
        Ok(Some(line))
    }

    async fn proposal(&self, id: &str) -> Result<Option<Proposal>, AppError> {
        let Ok(id) = id.parse::<ProposalId>() else { return Ok(None) };
        let row = load::one::<Proposal>(self.ports.store(), Owner::Org(self.org), Key::Proposal(id)).await?;
        Ok(row.map(|row| row.content))
    }

    async fn effect(&self, id: &str) -> Result<Option<Effect>, AppError> {
        let Ok(id) = id.parse::<EffectId>() else { return Ok(None) };
        let row = load::one::<Effect>(self.ports.store(), Owner::Org(self.org), Key::Effect(id)).await?;
        Ok(row.map(|row| row.content))
    }

    async fn document_number(&self, kind: DocumentKind, id: DocumentId) -> Result<Option<String>, AppError> {
        let key = Key::Document(DocumentRef { kind, id });
        let row = load::one::<DocumentRecord>(self.ports.store(), Owner::Org(self.org), key).await?;
        Ok(row.map(|row| row.content.number))
    }
}

/// What people did in Xero, in their words; nothing for what moves no stock.
fn acted(timed: &TimedAct) -> Option<String> {
    match &timed.act {
        Act::CreateDocument(document) => {
            let goods = goods(document)?;
            let what = match (document.kind, document.status) {
                (act::DocumentKind::Invoice, Status::Draft) => "drafts invoice",
                (act::DocumentKind::Invoice, _) => "sells, invoice",
                (act::DocumentKind::Bill, _) => "receives goods, bill",
                (act::DocumentKind::SalesCredit, _) => "takes goods back, credit note",
                (act::DocumentKind::SupplierCredit, _) => "gives goods back, credit note",
                (act::DocumentKind::PurchaseOrder, _) => "orders, purchase order",
                (act::DocumentKind::SpendMoney, _) => "buys over the counter",
                (act::DocumentKind::ReceiveMoney, _) => "sells over the counter",
                (act::DocumentKind::SpendPrepayment | act::DocumentKind::SpendOverpayment, _) => {
                    "pays in advance"
                }
                (act::DocumentKind::ReceivePrepayment | act::DocumentKind::ReceiveOverpayment, _) => {
                    "is paid in advance"
                }
            };
            Some(format!("in Xero   somebody {what} {} ({}): {goods}", document.number, document.contact))
        }
        Act::EditDocument { document, changes } => {
            let what = match changes.status {
                Some(Status::Authorised) => "approves",
                Some(Status::Voided) => "voids",
                Some(Status::Deleted) => "deletes",
                Some(Status::Billed) => "marks as billed",
                Some(Status::Paid) => return None,
                _ => "changes",
            };
            Some(format!("in Xero   somebody {what} {}", document.number))
        }
        _ => None,
    }
}

fn goods(document: &NewDocument) -> Option<String> {
    let lines: Vec<String> = document
        .lines
        .iter()
        .filter_map(|line| Some(format!("{} × {}", whole(line.quantity), line.item_code.as_deref()?)))
        .collect();
    let shown = lines.get(..LINES_SHOWN).unwrap_or(&lines).join(", ");
    match lines.len().saturating_sub(LINES_SHOWN) {
        _ if lines.is_empty() => None,
        0 => Some(shown),
        more => Some(format!("{shown} and {more} more")),
    }
}

fn whole(quantity: act::E4) -> String {
    let text = quantity.to_string();
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
