//! What the console and the command show: questions to the store, answered as the views' pages.

mod adjustments;
mod card;
mod closings;
mod landed;
mod past;
mod prices;
mod receipts;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::audit::{Entry, Statement};
use parstock_domain::cogs::{CogsHeld, CogsLedger, CogsMonth, Fate, Journal, JournalNumber};
use parstock_domain::document::{DocumentKind, DocumentRef, DocumentStatus, Item};
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::goods_receipt;
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{DocumentId, ItemId, LocationId, OrgId, ProposalId};
use parstock_domain::ledger::{OrderLine, Position, Proof, View};
use parstock_domain::replenish::Plan;
use parstock_domain::settings::{LEAD_TIME_DAYS_DEFAULT, Policy};
use parstock_views::StandingGroup;
use parstock_views::digest::DigestContent;
use parstock_views::pages::{
    DigestPage, EnteredCount, HealthPage, ItemPage, JOURNAL_LINES_SHOWN_MAX, JOURNALS_SHOWN_MAX, JournalLine,
    JournalPage, JournalsPage, OpenOrder, POSITIONS_PER_PAGE, PROPOSALS_MAX, PartBooked, PendingEffect,
    PlanShown, PositionQuery, PositionRow, PositionsPage, ProofPage, ProposalPage, ProposalRow,
    ProposalsPage, QueueState, ReviewRow, ReviewsPage, Site,
};

pub use card::ItemCard;

use crate::chart;
use crate::contacts::Contacts;
use crate::digest::{history, late_orders, order_figures};
use crate::error::AppError;
use crate::load;
use crate::ports::{Books, Ports, Store};
use crate::records::{
    AuditCheck, DigestRecord, DocumentRecord, Effect, EffectKind, EffectState, Key, List, Mark, Pointer,
    Review, ReviewKind, Trouble, WaitingHint,
};
use crate::writer::Writer;

/// Latest audit entries among whose documents those that are part-booked are looked for: one writer books at a
/// time, and what it leaves is booked on before anything else or at the next poll.
const ENTRIES_LOOKED_THROUGH: u32 = 200;

/// Who looks: signed in, with the token that their forms must send back.
#[derive(Clone, Debug)]
pub struct Viewer {
    /// Their name.
    pub user: String,
    /// Their forms' token.
    pub csrf: String,
    /// Whether the console connects organisations, too.
    pub connects: bool,
}

/// The path of an org's pages below the console's address.
pub fn root_of(org: OrgId) -> String {
    format!("/o/{org}")
}

/// Answers questions about one org.
pub struct Console<'p, P> {
    reader: Writer<'p, P>,
    viewer: Viewer,
    movements_at_once: usize,
}

impl<'p, P: Ports> Console<'p, P> {
    /// A console of an org.
    ///
    /// # Errors
    /// [`AppError::NeedsPerson`] when the org is not connected yet.
    pub async fn open(ports: &'p P, org: OrgId, viewer: Viewer) -> Result<Self, AppError> {
        let reader = Writer::open_unleased(ports, org).await?;
        Ok(Self { reader, viewer, movements_at_once: card::MOVEMENTS_AT_ONCE_MAX })
    }

    /// Whose cards hold no more movements of an item at once.
    #[must_use]
    pub const fn holding_at_once(mut self, movements: usize) -> Self {
        self.movements_at_once = movements;
        self
    }

    async fn one<T: crate::records::Content>(&self, key: Key) -> Result<Option<T>, AppError> {
        let row = load::one::<T>(self.reader.ports().store(), self.reader.owner(), key).await?;
        Ok(row.map(|row| row.content))
    }

    async fn many<T: crate::records::Content>(&self, keys: &[Key]) -> Result<Vec<Option<T>>, AppError> {
        let rows = load::many::<T>(self.reader.ports().store(), self.reader.owner(), keys).await?;
        Ok(rows.into_iter().map(|row| row.map(|row| row.content)).collect())
    }

    async fn all<T: crate::records::Content>(&self, list: &List) -> Result<Vec<(Key, T)>, AppError> {
        let rows = load::all::<T>(self.reader.ports().store(), self.reader.org(), list).await?;
        Ok(rows.into_iter().map(|(key, row)| (key, row.content)).collect())
    }

    fn today(&self) -> Date {
        self.reader.clock().day_of(self.reader.now())
    }

    async fn site(&self) -> Result<Site, AppError> {
        let profile = &self.reader.profile.content;
        let policy = self.one::<Policy>(Key::Policy).await?.unwrap_or_default();
        Ok(Site {
            root: root_of(self.reader.org()),
            org: profile.organisation.name.clone(),
            currency: profile.organisation.base_currency.clone(),
            now: self.reader.clock().zoned(self.reader.now()),
            phase: policy.org().phase,
            user: self.viewer.user.clone(),
            csrf: self.viewer.csrf.clone(),
            connects: self.viewer.connects,
            open_proposals: self.pending().await?.len(),
            open_reviews: self.all::<Review>(&List::Reviews).await?.len(),
        })
    }

    async fn troubles(&self) -> Result<BTreeMap<ItemId, Trouble>, AppError> {
        let rows = self.all::<Trouble>(&List::Troubles).await?;
        Ok(rows
            .into_iter()
            .filter_map(
                |(key, trouble)| if let Key::Trouble(item, _) = key { Some((item, trouble)) } else { None },
            )
            .collect())
    }

    /// Positions that match a query, a page of them.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn positions(&self, query: PositionQuery) -> Result<PositionsPage, AppError> {
        let troubles = self.troubles().await?;
        let standing = |item: &Item| group(&troubles, item.id);
        let is_late =
            |item: &Item| troubles.get(&item.id).is_some_and(|it| !it.late_order_numbers.is_empty());
        let mut items: Vec<Item> =
            self.all::<Item>(&List::Items).await?.into_iter().map(|(_, item)| item).collect();
        let counts = StandingGroup::ALL
            .into_iter()
            .map(|kind| (kind, items.iter().filter(|item| standing(item) == kind).count()));
        let counts = counts.collect();
        let late_items = items.iter().filter(|item| is_late(item)).count();
        let needle = query.search.to_lowercase();
        items.retain(|item| {
            is_named(item, &needle)
                && query.standing.is_none_or(|wanted| standing(item) == wanted)
                && (!query.late || is_late(item))
        });
        // the most urgent first, unless somebody looks for something
        items.sort_by(|a, b| (standing(a), &a.code).cmp(&(standing(b), &b.code)));
        let found = items.len();
        let skipped = query.page.saturating_sub(1).saturating_mul(POSITIONS_PER_PAGE);
        let shown: Vec<Item> = items.into_iter().skip(skipped).take(POSITIONS_PER_PAGE).collect();
        let rows = self.rows(&shown, &troubles).await?;
        let late_orders = late_orders(troubles.values());
        let site = self.site().await?;
        Ok(PositionsPage { site, query, rows, found, counts, late_items, late_orders })
    }

    async fn rows(
        &self,
        items: &[Item],
        troubles: &BTreeMap<ItemId, Trouble>,
    ) -> Result<Vec<PositionRow>, AppError> {
        let location = LocationId::main();
        let keys: Vec<Key> = items.iter().map(|item| Key::Position(item.id, location.clone())).collect();
        let positions = self.many::<Position>(&keys).await?;
        let keys: Vec<Key> = items.iter().map(|item| Key::Plan(item.id, location.clone())).collect();
        let plans = self.many::<Plan>(&keys).await?;
        let today = self.today();
        let mut rows = Vec::with_capacity(items.len());
        for ((item, position), plan) in items.iter().zip(positions).zip(plans) {
            let position = position.unwrap_or_default();
            let drafts = plan.as_ref().is_none_or(|plan| plan.count_sales_drafts);
            rows.push(PositionRow {
                item: item.id,
                code: item.code.clone(),
                name: item.name.clone(),
                on_hand: position.on_hand(today)?.quantity(),
                committed: position.committed_total(drafts)?,
                available: position.available(today, drafts)?.quantity(),
                on_order: plan.as_ref().map(|plan| plan.on_order).unwrap_or_default(),
                late: match &plan {
                    Some(plan) => plan.open_on_orders.minus(plan.on_order)?.max(Quantity::ZERO),
                    None => Quantity::ZERO,
                },
                late_orders: troubles
                    .get(&item.id)
                    .map(|it| it.late_order_numbers.clone())
                    .unwrap_or_default(),
                cover_days: plan.as_ref().and_then(|plan| plan.cover_days),
                runs_out_on: plan.as_ref().and_then(|plan| plan.stock_out_on),
                standing: group(troubles, item.id),
            });
        }
        Ok(rows)
    }

    /// The item with a code.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is none.
    pub async fn item_by_code(&self, code: &str) -> Result<ItemId, AppError> {
        let pointer = self.one::<Pointer<ItemId>>(Key::ItemCode(code.to_owned())).await?;
        pointer.map(|pointer| pointer.to).ok_or_else(|| {
            AppError::Reject(format!("there is no item with the code `{code}` (case matters)"))
        })
    }

    async fn known_item(&self, id: ItemId) -> Result<Item, AppError> {
        let item = self.one::<Item>(Key::Item(id)).await?;
        item.ok_or_else(|| AppError::Reject("there is no such item: look for it in the list".to_owned()))
    }

    async fn position(&self, item: ItemId) -> Result<Position, AppError> {
        Ok(self.one::<Position>(Key::Position(item, LocationId::main())).await?.unwrap_or_default())
    }

    /// All about an item, with a page of its card.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is no such item.
    pub async fn item(&self, id: ItemId, view: View, page: usize) -> Result<ItemPage, AppError> {
        let item = self.known_item(id).await?;
        let troubles = self.troubles().await?;
        let row = self.rows(std::slice::from_ref(&item), &troubles).await?.pop();
        let mut row = row.ok_or_else(|| AppError::Bug("an item has no row".to_owned()))?;
        let position = self.position(id).await?;
        let plan = self.one::<Plan>(Key::Plan(id, LocationId::main())).await?;
        let contacts = Contacts::all(self.reader.ports(), self.reader.org()).await?;
        let mut orders = Vec::new();
        let lead_time_days = plan.as_ref().map_or(LEAD_TIME_DAYS_DEFAULT, |plan| plan.lead_time_days.value);
        // the orders are shown as they are now, so the figures beside them are their sums
        (row.on_order, row.late) = (Quantity::ZERO, Quantity::ZERO);
        for (_, line) in self.all::<OrderLine>(&List::OrderLines(id)).await? {
            let open = line.open()?;
            if !open.is_zero() {
                let late = line.is_overdue(self.today(), lead_time_days);
                let sum = if late { &mut row.late } else { &mut row.on_order };
                *sum = sum.plus(open)?;
                orders.push(OpenOrder {
                    supplier: contacts.name(line.supplier).unwrap_or_default().to_owned(),
                    number: line.number,
                    ordered: line.ordered,
                    open,
                    expected_on: line.expected_on,
                    draft: line.status == DocumentStatus::Draft,
                    late,
                });
            }
        }
        let plan = match plan {
            None => None,
            Some(plan) => Some(PlanShown {
                planned_on: plan.planned_on,
                reorder_point: plan.reorder_point,
                order: plan.order,
                supplier: plan
                    .supplier
                    .and_then(|supplier| contacts.name(supplier))
                    .unwrap_or_default()
                    .to_owned(),
                unit_price: plan.unit_price,
                reason: plan.reason,
                inputs: plan.inputs,
                proposal: self
                    .pending()
                    .await?
                    .into_iter()
                    .find(|proposal| {
                        proposal.status == ProposalState::Open
                            && proposal.lines.iter().any(|line| line.item == id)
                    })
                    .map(|proposal| proposal.id),
            }),
        };
        let (card, layers) = self.card_page(id, &position, view, page).await?;
        Ok(ItemPage {
            site: self.site().await?,
            position: row,
            tracked: position.tracked,
            value: position.stock_value(),
            chart: chart::stock(&self.reader, id, chart::PAGE_DAYS).await?,
            card,
            layers,
            orders,
            plan,
            entered: EnteredCount::default(),
            problem: None,
        })
    }

    async fn pending(&self) -> Result<Vec<Proposal>, AppError> {
        let pointers = self.all::<Pointer<ProposalId>>(&List::PendingProposals).await?;
        let keys: Vec<Key> = pointers.into_iter().map(|(_, pointer)| Key::Proposal(pointer.to)).collect();
        Ok(self.many::<Proposal>(&keys).await?.into_iter().flatten().collect())
    }

    /// The proposals, open ones first.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn proposals(&self) -> Result<ProposalsPage, AppError> {
        let mut all: Vec<Proposal> =
            self.all::<Proposal>(&List::Proposals).await?.into_iter().map(|(_, proposal)| proposal).collect();
        all.sort_by_key(|proposal| (!proposal.is_pending(), std::cmp::Reverse(proposal.proposed_at)));
        all.truncate(PROPOSALS_MAX);
        let mut rows = Vec::with_capacity(all.len());
        for proposal in all {
            rows.push(ProposalRow::of(&proposal)?);
        }
        Ok(ProposalsPage { site: self.site().await?, rows })
    }

    /// One proposal, with what went wrong when somebody last tried to decide.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is no such proposal.
    pub async fn proposal(&self, id: ProposalId, problem: Option<String>) -> Result<ProposalPage, AppError> {
        let proposal = self.one::<Proposal>(Key::Proposal(id)).await?.ok_or_else(|| {
            AppError::Reject("there is no such proposal: look at the list again".to_owned())
        })?;
        let keys: Vec<Key> = proposal.lines.iter().map(|line| Key::Item(line.item)).collect();
        let items: Vec<Item> = self.many::<Item>(&keys).await?.into_iter().flatten().collect();
        let troubles = self.troubles().await?;
        let positions = self.rows(&items, &troubles).await?;
        let keys: Vec<Key> =
            proposal.lines.iter().map(|line| Key::Plan(line.item, line.location.clone())).collect();
        let mut figures = BTreeMap::new();
        for (line, plan) in proposal.lines.iter().zip(self.many::<Plan>(&keys).await?) {
            if let Some(plan) = plan {
                figures.insert(line.item, order_figures(&plan, line.quantity)?);
            }
        }
        let policy = self.one::<Policy>(Key::Policy).await?.unwrap_or_default();
        Ok(ProposalPage {
            site: self.site().await?,
            order_number: proposal.order_number(&policy.org().order_prefix),
            phase: crate::decide::phase(&self.reader, &proposal).await?,
            positions: positions.into_iter().map(|row| (row.item, row)).collect(),
            figures,
            proposal,
            problem,
        })
    }

    /// The digest of a day, or the latest.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn digest(&self, day: Option<Date>) -> Result<DigestPage, AppError> {
        let last = self.reader.profile.content.digest_on;
        let day = day.or(last).unwrap_or_else(|| self.today());
        let record = self.one::<DigestRecord>(Key::Digest(day)).await?;
        let content: Option<DigestContent> =
            record.map(|record| serde_json::from_str(&record.content)).transpose()?;
        let first = self.first_digest(None).await?;
        let next = self.first_digest(Some(Key::Digest(day))).await?;
        let mut previous = None;
        if first.is_some_and(|first| first < day) {
            // days without a digest are few
            let mut before = day.yesterday().ok().map(|before| last.map_or(before, |last| before.min(last)));
            while let Some(other) = before.filter(|other| first.is_some_and(|first| first <= *other)) {
                if self.one::<DigestRecord>(Key::Digest(other)).await?.is_some() {
                    previous = Some(other);
                    break;
                }
                before = other.yesterday().ok();
            }
        }
        Ok(DigestPage { site: self.site().await?, content, day, previous, next })
    }

    /// The day of the first digest after a key.
    async fn first_digest(&self, after: Option<Key>) -> Result<Option<Date>, AppError> {
        let store = self.reader.ports().store();
        let page = store.list(self.reader.owner(), &List::Digests, after.as_ref(), 1).await?;
        Ok(page.rows.iter().find_map(|row| if let Key::Digest(day) = row.key { Some(day) } else { None }))
    }

    /// Whether all is well.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn health(&self, queues: Vec<QueueState>) -> Result<HealthPage, AppError> {
        let profile = self.reader.profile.content.clone();
        let allowance = self.reader.ports().books().allowance(self.reader.org()).await?;
        let mut effects = Vec::new();
        let mut needs_person: BTreeSet<String> = profile.needs_person.iter().cloned().collect();
        let check = self.one::<AuditCheck>(Key::AuditCheck).await?.unwrap_or_default();
        needs_person.extend(check.broken);
        for (key, _) in self.all::<Mark>(&List::PendingEffects).await? {
            let Key::PendingEffect(id) = key else { continue };
            if let Some(effect) = self.one::<Effect>(Key::Effect(id)).await? {
                needs_person.extend(effect.needs_person.clone());
                effects.push(PendingEffect {
                    what: effect_words(&effect.what),
                    since: effect.decided_at,
                    attempts: effect.attempts,
                    state: state_words(&effect.status),
                });
            }
        }
        effects.sort_by_key(|effect| effect.since);
        Ok(HealthPage {
            site: self.site().await?,
            polled_at: profile.polled_at,
            history: history(profile.backfill),
            calls_left: allowance.left_today,
            parked_until: allowance.parked_until,
            hints: self.all::<WaitingHint>(&List::Hints).await?.len(),
            part_booked: self.part_booked().await?,
            queues,
            effects,
            audit: self.reader.head(),
            audit_checked_at: check.at,
            proof: self.last_proof().await?.map(|proof| (proof.day, proof.count())),
            journals: profile.cogs_from.is_some(),
            needs_person: needs_person.into_iter().collect(),
        })
    }

    /// The latest daily proof.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn proof(&self) -> Result<ProofPage, AppError> {
        Ok(ProofPage { site: self.site().await?, proof: self.last_proof().await? })
    }

    async fn last_proof(&self) -> Result<Option<Proof>, AppError> {
        match self.reader.profile.content.proved_on {
            Some(day) => self.one::<Proof>(Key::Proof(day)).await,
            None => Ok(None),
        }
    }

    /// The journals of cost of goods sold, and what is in none.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn journals(&self) -> Result<JournalsPage, AppError> {
        let ledger = self.one::<CogsLedger>(Key::Cogs).await?;
        let policy = self.one::<Policy>(Key::Policy).await?.unwrap_or_default();
        let mut journals: Vec<Journal> =
            self.all::<Journal>(&List::Journals).await?.into_iter().map(|(_, journal)| journal).collect();
        let count = journals.len();
        let drafts = journals.iter().filter(|journal| matches!(journal.fate, Fate::Draft { .. }));
        let drafts = drafts.map(|journal| journal.amount).try_fold(Money::ZERO, Money::plus)?;
        journals.reverse();
        journals.truncate(JOURNALS_SHOWN_MAX);
        let (mut open, mut held, mut held_items) = (Money::ZERO, Money::ZERO, 0);
        let since = ledger.as_ref().map(|ledger| ledger.since);
        let months = self.all::<CogsMonth>(&List::CogsMonths).await?.into_iter().map(|(_, month)| month);
        for month in months.filter(|month| Some(month.since) == since) {
            open = open.plus(month.open()?)?;
        }
        let items = self.all::<CogsHeld>(&List::CogsHeld).await?.into_iter().map(|(_, item)| item);
        for item in items.filter(|item| Some(item.since) == since && !item.days.is_empty()) {
            held_items += 1;
            held = item.days.into_values().try_fold(held, Money::plus)?;
        }
        Ok(JournalsPage {
            site: self.site().await?,
            settings: policy.org().cogs,
            since: self.reader.profile.content.cogs_from,
            open,
            carried: ledger.map(|ledger| ledger.carried).unwrap_or_default(),
            held,
            held_items,
            drafts,
            journals,
            count,
        })
    }

    /// One journal of cost of goods sold, and what the audit trail tells of its days.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is none; when the store does not answer.
    pub async fn journal(&self, number: JournalNumber) -> Result<JournalPage, AppError> {
        let journal = self.one::<Journal>(Key::Journal(number)).await?;
        let journal = journal.ok_or_else(|| AppError::Reject(format!("there is no journal {number}")))?;
        let mut told = crate::cogs::told(&self.reader, &journal).await?;
        told.sort_by_key(|line| (std::cmp::Reverse(line.cost.magnitude()), line.entry));
        let count = told.len();
        told.truncate(JOURNAL_LINES_SHOWN_MAX);
        let keys: Vec<Key> = told.iter().map(|line| Key::Item(line.item)).collect();
        let items = load::many::<Item>(self.reader.ports().store(), self.reader.owner(), &keys).await?;
        let lines = told.into_iter().zip(items).map(|(line, item)| {
            let code = item.map_or_else(|| line.item.to_string(), |item| item.content.code);
            JournalLine { code, ..line }
        });
        let lines = lines.collect();
        Ok(JournalPage { site: self.site().await?, journal, lines, count })
    }

    /// Documents of which some lines are booked and others not yet.
    async fn part_booked(&self) -> Result<Vec<PartBooked>, AppError> {
        let before = self.reader.head().seq.saturating_sub(u64::from(ENTRIES_LOOKED_THROUGH));
        let (store, after) = (self.reader.ports().store(), Key::AuditEntry(before));
        let page = store
            .list(self.reader.owner(), &List::AuditEntries, Some(&after), ENTRIES_LOOKED_THROUGH)
            .await?;
        let mut documents = BTreeSet::new();
        for row in page.rows {
            let Some(entry) = load::decode_row::<Entry>(Some(row))? else { continue };
            let statement: Statement = serde_json::from_str(&entry.content.payload)?;
            let kind = statement.details.get("kind").and_then(|code| DocumentKind::from_code(code));
            let id = statement.event.and_then(|event| event.subject.parse::<DocumentId>().ok());
            documents.extend(kind.zip(id).map(|(kind, id)| Key::Document(DocumentRef { kind, id })));
        }
        let keys: Vec<Key> = documents.into_iter().collect();
        let headers = self.many::<DocumentRecord>(&keys).await?;
        Ok(headers
            .into_iter()
            .flatten()
            .filter_map(|header| {
                let (booked, lines) = booked_lines(&header)?;
                Some(PartBooked {
                    what: header.of.kind.words(),
                    number: header.number,
                    contact: header.contact_name,
                    booked,
                    lines,
                })
            })
            .collect())
    }

    /// The questions that wait for a person.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn reviews(&self) -> Result<ReviewsPage, AppError> {
        let mut reviews: Vec<Review> =
            self.all::<Review>(&List::Reviews).await?.into_iter().map(|(_, review)| review).collect();
        reviews.sort_by_key(|review| review.since);
        let mut rows = Vec::with_capacity(reviews.len());
        for review in reviews {
            let item = match review.item {
                Some(item) => self.one::<Item>(Key::Item(item)).await?.map(|known| (item, known.code)),
                None => None,
            };
            let document = match review.document {
                Some(of) => self.one::<DocumentRecord>(Key::Document(of)).await?.map(|header| header.number),
                None => None,
            };
            rows.push(ReviewRow {
                kind: review_words(review.kind).to_owned(),
                text: review.text,
                since: review.since,
                item,
                document: document.unwrap_or_default(),
                page: review_page(review.kind),
            });
        }
        Ok(ReviewsPage { site: self.site().await?, rows })
    }
}

fn group(troubles: &BTreeMap<ItemId, Trouble>, item: ItemId) -> StandingGroup {
    troubles.get(&item).map_or(StandingGroup::Enough, |trouble| trouble.standing.into())
}

/// Whether an item has this, in small letters, in its code or name.
fn is_named(item: &Item, needle: &str) -> bool {
    item.code.to_lowercase().contains(needle) || item.name.to_lowercase().contains(needle)
}

/// How many lines of a document are booked, and of how many; `None` when it is whole.
fn booked_lines(header: &DocumentRecord) -> Option<(u32, u32)> {
    header.progress.map(|(left, lines)| (lines.saturating_sub(left), lines))
}

const fn review_words(kind: ReviewKind) -> &'static str {
    match kind {
        ReviewKind::UnclearArrival => "unclear arrival",
        ReviewKind::UnknownItem => "unknown item",
        ReviewKind::UnreadableDocument => "unreadable document",
        ReviewKind::NegativeOpening => "opening below zero",
        ReviewKind::Residual => "unexplained quantity",
        ReviewKind::MissingNote => "missing note",
        ReviewKind::HalfApplied => "settings applied in part",
        ReviewKind::CogsRefused => "cost of goods sold not journaled",
        ReviewKind::CogsHeld => "cost of goods sold held back",
        ReviewKind::FreightLeft => "freight to spread",
        ReviewKind::Overspent => "landed cost of a bill that changed",
        ReviewKind::VoucherJournal => "journal of landed cost",
        ReviewKind::ShareLeftOut => "landed cost that did not land",
        ReviewKind::ReceiptWaits => "goods receipt to decide",
        ReviewKind::ReceiptBill => "bill of a goods receipt",
        ReviewKind::Adjustment => "stock adjustment",
        ReviewKind::GoodsInAdvance => "goods on money in advance",
    }
}

/// Where a question is settled, if parstock has a page for that.
const fn review_page(kind: ReviewKind) -> Option<&'static str> {
    match kind {
        ReviewKind::FreightLeft
        | ReviewKind::Overspent
        | ReviewKind::VoucherJournal
        | ReviewKind::ShareLeftOut => Some("landed"),
        ReviewKind::CogsRefused | ReviewKind::CogsHeld => Some("journals"),
        ReviewKind::ReceiptWaits | ReviewKind::ReceiptBill => Some("receipts"),
        ReviewKind::Adjustment => Some("adjustments"),
        _ => None,
    }
}

fn effect_words(what: &EffectKind) -> String {
    match what {
        EffectKind::Order { proposal } => format!("Order {}", proposal.order_number("")),
        EffectKind::DigestMail { day } => format!("Digest of {day} by mail"),
        EffectKind::DigestChat { day } => format!("Digest of {day} by Slack"),
        EffectKind::Journal { number } => format!("Journal {number}"),
        EffectKind::Voucher { number, .. } => format!("Landed cost voucher {number}"),
        EffectKind::GoodsReceipt { number, .. } => format!("Goods receipt {}", goods_receipt::name(*number)),
        EffectKind::Adjustment { number, .. } => format!("Adjustment {number}"),
        EffectKind::Papers { number, .. } => format!("Papers of {number}"),
        EffectKind::Prices { prices, .. } => format!("Prices of {} items", prices.len()),
        EffectKind::AlertMail { .. } => "Warnings by mail".to_owned(),
        EffectKind::AlertChat { .. } => "Warnings by Slack".to_owned(),
    }
}

fn state_words(state: &EffectState) -> String {
    match state {
        EffectState::Waiting => "waits to be tried".to_owned(),
        EffectState::Trying { .. } => "is being tried".to_owned(),
        EffectState::Due { at, why } => format!("due again at {at}: {why}"),
        EffectState::Unknown { .. } => {
            "no answer came; it is looked up before anything else is done".to_owned()
        }
        EffectState::Noting { .. } => "written; its history note is missing".to_owned(),
        EffectState::Done { .. } => "done".to_owned(),
        EffectState::Failed { reason } => format!("failed: {reason}"),
    }
}
