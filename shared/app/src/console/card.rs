//! The card of an item: its movements in effective order, with their documents.

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::adjustment::{Adjustment, AdjustmentNumber};
use parstock_domain::costing::Layer;
use parstock_domain::document::{DocumentKind, DocumentRef, Item};
use parstock_domain::ids::{ItemId, LineId, LocationId};
use parstock_domain::ledger::margin::{Margin, Sold, cost_then};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::valuation::Start;
use parstock_domain::ledger::{
    Balance, Because, BookedLine, Card, CardFold, CardLine, Cause, Checkpoint, Foreseen, LayerOf, LayerPart,
    Layers, MovementKey, Position, Restatement, View,
};
use parstock_views::pages::{
    CARD_LINES_PER_PAGE, CardRow, CardShown, LayerRow, PartRow, RESTATED_SHOWN_MAX, RestatedRow,
};

use super::{Console, booked_lines};
use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::{DocumentRecord, Key, List, MoreLines};

/// Documents whose headers are read at once.
const HEADERS_PER_READ: usize = 500;
/// Lines of a card that is shown whole: of more, the latest are.
const CARD_LINES_MAX: usize = 100_000;
/// Movements of an item that a card holds at once, some 10 MB; with more they are read twice.
pub(super) const MOVEMENTS_AT_ONCE_MAX: usize = 20_000;

/// An item with its whole card.
#[derive(Clone, Debug)]
pub struct ItemCard {
    /// The item.
    pub item: Item,
    /// ISO code of the org's base currency.
    pub currency: String,
    /// All lines of its card, the earliest first, the latest [`CARD_LINES_MAX`] of them.
    pub card: CardShown,
    /// What the stock then cost; empty when there is none.
    pub layers: Vec<LayerRow>,
}

impl<P: Ports> Console<'_, P> {
    /// The card of an item.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is no such item.
    pub async fn card(&self, id: ItemId, view: View) -> Result<ItemCard, AppError> {
        let item = self.known_item(id).await?;
        let position = self.position(id).await?;
        let card = self.folded(id, &position, view, CARD_LINES_MAX).await?;
        let Card { before, lines, found, end, layers } = card;
        let said = self.said(id, &position, view).await?;
        let (rows, layers) = self.card_rows(&lines, &layers).await?;
        let (rows, margin) = self.with_sales(&lines, rows, view.by.is_none() && position.tracked).await?;
        let unexplained = unexplained(&position, view, end)?;
        let restated = self.restated(id, view, usize::MAX).await?;
        Ok(ItemCard {
            item,
            currency: self.reader.profile.content.organisation.base_currency.clone(),
            card: CardShown {
                from: view.from,
                at: view.at,
                by: view.by,
                before,
                end,
                said,
                unexplained,
                rows,
                page: 1,
                found,
                margin,
                restated,
            },
            layers,
        })
    }

    /// A page of the card, the latest line first.
    pub(super) async fn card_page(
        &self,
        id: ItemId,
        position: &Position,
        view: View,
        page: usize,
    ) -> Result<(CardShown, Vec<LayerRow>), AppError> {
        let skipped = page.saturating_sub(1).saturating_mul(CARD_LINES_PER_PAGE);
        let lines_max = skipped.saturating_add(CARD_LINES_PER_PAGE);
        let Card { before, lines, found, end, layers } = self.folded(id, position, view, lines_max).await?;
        let said = self.said(id, position, view).await?;
        let shown: Vec<CardLine> = lines.into_iter().rev().skip(skipped).collect();
        let (rows, layers) = self.card_rows(&shown, &layers).await?;
        let (rows, margin) = self.with_sales(&shown, rows, view.by.is_none() && position.tracked).await?;
        let unexplained = unexplained(position, view, end)?;
        let restated = self.restated(id, view, RESTATED_SHOWN_MAX).await?;
        let View { from, at, by, .. } = view;
        let card =
            CardShown { from, at, by, before, end, said, unexplained, rows, page, found, margin, restated };
        Ok((card, layers))
    }

    /// What Xero had said last of a tracked item by the end of a day, if the view is of one.
    pub(super) async fn said(
        &self,
        id: ItemId,
        position: &Position,
        view: View,
    ) -> Result<Option<Snapshot>, AppError> {
        let Some(day) = view.at.filter(|_| position.tracked) else { return Ok(None) };
        let mut said = self.all::<Snapshot>(&List::Snapshots(id)).await?.into_iter().map(|(_, said)| said);
        let clock = self.reader.clock();
        let is_seen =
            |said: &Snapshot| clock.day_of(said.at) <= day && view.known.is_none_or(|known| said.at <= known);
        Ok(said.rfind(is_seen))
    }

    pub(super) async fn folded(
        &self,
        id: ItemId,
        position: &Position,
        view: View,
        lines_max: usize,
    ) -> Result<Card, AppError> {
        let layers = self.one::<Layers>(Key::Layer(id, LocationId::main())).await?;
        let layers = layers.unwrap_or(Layers::Arrival(Layer::default()));
        let base = self.base(id, position, &layers, view).await?;
        let (store, org) = (self.reader.ports().store(), self.reader.org());
        let from = base.as_ref().and_then(|base| base.on.tomorrow().ok());
        let at_once = self.movements_at_once;
        let rows = load::LIST_PAGE.min(u32::try_from(at_once).unwrap_or(u32::MAX));
        let (mut foreseen, mut held) = (Foreseen::default(), Some(Vec::new()));
        load::movements_by_days(store, org, id, from, rows, |days| {
            foreseen.see(&days);
            held = held.take().filter(|held| held.len().saturating_add(days.len()) <= at_once);
            if let Some(held) = &mut held {
                held.extend(days);
            }
            Ok(true)
        })
        .await?;
        let mut card = CardFold::new(&layers, base, position.opened, view, foreseen, lines_max);
        match held {
            Some(all) => card.add(all)?,
            None => {
                load::movements_by_days(store, org, id, from, rows, |days| {
                    let last = days.last().map(|movement| movement.key.effective_on);
                    card.add(days)?;
                    Ok(last.zip(view.at).is_none_or(|(last, at)| last <= at))
                })
                .await?;
            }
        }
        Ok(card.finish()?)
    }

    /// The latest kept state of an item's costs before the first line of its card, if by then it was known what lay there.
    async fn base(
        &self,
        id: ItemId,
        position: &Position,
        layers: &Layers,
        view: View,
    ) -> Result<Option<Checkpoint>, AppError> {
        let (Layers::Effective(valuation), View { from: Some(from), known: None, by: None, .. }) =
            (layers, view)
        else {
            return Ok(None);
        };
        let base = match valuation.start(from) {
            Start::Held => valuation.held(from).cloned(),
            Start::Stored(on) => self.one(Key::Checkpoint(id, LocationId::main(), on)).await?,
            Start::First => None,
        };
        Ok(base.filter(|base| position.is_known_by(base.on)))
    }

    /// Lines of a card, and what the stock then cost.
    async fn card_rows(
        &self,
        lines: &[CardLine],
        layers: &[LayerPart],
    ) -> Result<(Vec<CardRow>, Vec<LayerRow>), AppError> {
        let of = |line: &CardLine| document(&line.movement.key.cause);
        let parts = lines.iter().flat_map(|line| &line.layers).chain(layers);
        let of_layers = parts.filter_map(|part| match part.of {
            LayerOf::Movement(key) => document(&key.cause),
            LayerOf::All | LayerOf::Oversold | LayerOf::Before(_) => None,
        });
        let headers = self.headers(lines.iter().filter_map(of).chain(of_layers).collect()).await?;
        let adjusted = |line: &CardLine| match line.movement.key.cause {
            Cause::Adjustment { number, .. } => Some(number),
            // our own document of an adjustment goes by its number
            Cause::Document { of, .. } => {
                let header = headers.get(&of).filter(|header| header.effect.is_some())?;
                header.number.parse::<AdjustmentNumber>().ok()
            }
            Cause::Opening | Cause::Count | Cause::LandedCost { .. } => None,
        };
        let of_lines: BTreeSet<DocumentRef> = lines.iter().filter_map(of).collect();
        let foreign = self.foreign_lines(&headers, &of_lines).await?;
        let adjustments = self.adjustments_named(lines.iter().filter_map(adjusted).collect()).await?;
        let mut rows = Vec::with_capacity(lines.len());
        for line in lines {
            let header = of(line).and_then(|of| headers.get(&of));
            let movement = &line.movement;
            let adjustment = adjusted(line).and_then(|number| adjustments.get(&number));
            rows.push(CardRow {
                on: movement.key.effective_on,
                posted_on: movement.posted_on,
                cause: match movement.key.cause {
                    Cause::Opening => "opening balance",
                    Cause::Count => "count",
                    _ if adjustment.is_some() => "adjustment",
                    Cause::Document { of, .. } => of.kind.words(),
                    Cause::LandedCost { .. } => "landed cost",
                    Cause::Adjustment { .. } => "adjustment",
                },
                number: match movement.key.cause {
                    Cause::LandedCost { voucher, .. } => voucher.to_string(),
                    Cause::Adjustment { number, .. } => number.to_string(),
                    _ => header.map(|header| header.number.clone()).unwrap_or_default(),
                },
                foreign: header.and_then(|header| {
                    let currency = header.foreign.clone()?;
                    let key = &movement.key;
                    let Cause::Document { of, line } = key.cause else { return None };
                    let line = foreign.get(&(of, line)).filter(|line| line.revision == key.revision)?;
                    line.foreign_net.filter(|_| !key.correction).map(|net| (currency, net))
                }),
                contact: match adjustment {
                    Some(adjustment) => reasons(adjustment, &movement.key.cause, movement.item),
                    None => header.map(|header| header.contact_name.clone()).unwrap_or_default(),
                },
                from: movement.from.clone(),
                to: movement.to.clone(),
                change: movement.signed_quantity()?,
                value: line.value,
                correction: line.correction,
                layers: line
                    .layers
                    .iter()
                    .map(|part| PartRow {
                        of: layer_words(part.of, &headers),
                        quantity: part.balance.quantity,
                        cost: part.balance.value,
                    })
                    .collect(),
                after: line.after,
                reversal: movement.key.correction,
                booking: header.and_then(booked_lines),
                sold: None,
                recorded_at: movement.recorded_at,
            });
        }
        let layers = layers.iter().map(|LayerPart { of, balance }| {
            let (of, Balance { quantity, value: cost }) = (layer_words(*of, &headers), *balance);
            Ok(LayerRow { of, quantity, cost, unit_cost: cost.per_unit(quantity)? })
        });
        let layers = layers.collect::<Result<_, AppError>>()?;
        Ok((rows, layers))
    }

    /// Rows with what customers paid for their goods, and the margin of all of them. What goods cost is what the line is worth, or else what
    /// Xero had said.
    async fn with_sales(
        &self,
        lines: &[CardLine],
        mut rows: Vec<CardRow>,
        by_xero: bool,
    ) -> Result<(Vec<CardRow>, Margin), AppError> {
        let sale = |line: &CardLine| match line.movement.key.cause {
            cause @ Cause::Document { of, line } if cause.is_demand() => Some((of, line)),
            _ => None,
        };
        let documents = lines.iter().filter_map(sale).map(|(of, _)| of).collect();
        let mut booked: BTreeMap<DocumentRef, Vec<BookedLine>> = BTreeMap::new();
        for (of, header) in self.headers(documents).await? {
            let mut of_document = header.lines;
            if header.more > 0 {
                let more = self.all::<MoreLines>(&List::DocumentLines(of)).await?;
                of_document.extend(more.into_iter().flat_map(|(_, more)| more.lines));
            }
            booked.insert(of, of_document);
        }
        let item = lines.first().map(|line| line.movement.item).filter(|_| by_xero);
        let said = match item {
            Some(item) => self.all::<Snapshot>(&List::Snapshots(item)).await?,
            None => Vec::new(),
        };
        let on = |key| if let Key::Snapshot(_, on) = key { Some(on) } else { None };
        let said: Vec<_> = said.into_iter().filter_map(|(key, said)| Some((on(key)?, said))).collect();
        let mut margin = Margin::default();
        for (line, row) in lines.iter().zip(&mut rows) {
            let movement = &line.movement;
            let stands = |booked: &&BookedLine| {
                booked.item == movement.item && booked.revision == movement.key.revision
            };
            let Some((of, id)) = sale(line).filter(|_| !movement.key.correction) else { continue };
            let of_document = booked.get(&of).into_iter().flatten();
            let Some(booked) = of_document.filter(|booked| booked.line == id).find(stands) else { continue };
            let quantity = movement.signed_quantity()?.negated()?;
            let cost = match by_xero {
                true => cost_then(&said, self.reader.clock().day_of(movement.recorded_at), quantity)?,
                false => line.after.map(|_| line.value.negated()).transpose()?,
            };
            let is_paid_back = of.kind == DocumentKind::SalesCredit;
            let revenue = booked.net.map(|net| if is_paid_back { net.negated() } else { Ok(net) });
            let sold = Sold { quantity, revenue: revenue.transpose()?, cost };
            margin.add(&sold)?;
            row.sold = Some(sold);
        }
        Ok((rows, margin))
    }

    async fn adjustments_named(
        &self,
        numbers: BTreeSet<AdjustmentNumber>,
    ) -> Result<BTreeMap<AdjustmentNumber, Adjustment>, AppError> {
        let keys: Vec<Key> = numbers.into_iter().map(Key::Adjustment).collect();
        let mut adjustments = BTreeMap::new();
        for keys in keys.chunks(HEADERS_PER_READ) {
            let read = self.many::<Adjustment>(keys).await?.into_iter().flatten();
            adjustments.extend(read.map(|adjustment| (adjustment.number, adjustment)));
        }
        Ok(adjustments)
    }

    async fn headers(
        &self,
        documents: BTreeSet<DocumentRef>,
    ) -> Result<BTreeMap<DocumentRef, DocumentRecord>, AppError> {
        let documents: Vec<DocumentRef> = documents.into_iter().collect();
        let mut headers = BTreeMap::new();
        for chunk in documents.chunks(HEADERS_PER_READ) {
            let keys: Vec<Key> = chunk.iter().map(|of| Key::Document(*of)).collect();
            let read = self.many::<DocumentRecord>(&keys).await?;
            headers.extend(chunk.iter().zip(read).filter_map(|(of, header)| Some((*of, header?))));
        }
        Ok(headers)
    }

    /// The booked lines of those of these documents that have a currency of their own.
    async fn foreign_lines(
        &self,
        headers: &BTreeMap<DocumentRef, DocumentRecord>,
        of: &BTreeSet<DocumentRef>,
    ) -> Result<BTreeMap<(DocumentRef, LineId), BookedLine>, AppError> {
        let foreign =
            || headers.values().filter(|header| header.foreign.is_some() && of.contains(&header.of));
        let mut lines = BTreeMap::new();
        for header in foreign() {
            lines.extend(header.lines.iter().map(|line| ((header.of, line.line), line.clone())));
        }
        let further = |header: &DocumentRecord| {
            let of = header.of;
            (0..header.more).map(move |row| Key::DocumentLines(of, row))
        };
        let keys: Vec<Key> = foreign().flat_map(further).collect();
        for keys in keys.chunks(HEADERS_PER_READ) {
            for (key, row) in keys.iter().zip(self.many::<MoreLines>(keys).await?) {
                let (Key::DocumentLines(of, _), Some(row)) = (key, row) else { continue };
                lines.extend(row.lines.into_iter().map(|line| ((*of, line.line), line)));
            }
        }
        Ok(lines)
    }

    /// What documents that came late made earlier movements of an item worth, the latest first.
    async fn restated(&self, id: ItemId, view: View, most: usize) -> Result<Vec<RestatedRow>, AppError> {
        let all = self.all::<Restatement>(&List::Restatements(id)).await?;
        let mut all: Vec<Restatement> = all.into_iter().map(|(_, restatement)| restatement).collect();
        all.retain(|one| view.known.is_none_or(|known| one.recorded_at <= known));
        all.sort_by_key(|one| (std::cmp::Reverse(one.recorded_at), one.commit));
        all.truncate(most);
        let of = |one: &Restatement| match one.because {
            Because::Document(of) => Some(of),
            Because::Count(_) | Because::Book | Because::LandedCost(_) | Because::Adjustment(_) => None,
        };
        let headers = self.headers(all.iter().filter_map(of).collect()).await?;
        let mut rows = Vec::new();
        for one in all {
            let header = of(&one).and_then(|of| headers.get(&of));
            let open = one.months.into_iter().map(|(month, change)| (month, change, None));
            let closed = one.closed.into_iter().map(|(month, change)| (month, change, one.posted_on));
            rows.extend(closed.chain(open).map(|(month, change, posted_on)| RestatedRow {
                cause: match one.because {
                    Because::Document(of) => of.kind.words(),
                    Because::Count(_) => "count",
                    Because::Book => "another book",
                    Because::LandedCost(_) => "landed cost",
                    Because::Adjustment(_) => "adjustment",
                },
                number: match one.because {
                    Because::Count(on) => on.to_string(),
                    Because::LandedCost(voucher) => voucher.to_string(),
                    Because::Adjustment(number) => number.to_string(),
                    _ => header.map(|header| header.number.clone()).unwrap_or_default(),
                },
                month,
                posted_on,
                change,
                recorded_at: one.recorded_at,
            }));
        }
        rows.retain(|row| view.at.is_none_or(|day| row.month <= day));
        rows.truncate(most);
        Ok(rows)
    }
}

/// Why an item was adjusted: by one line in the ledger, by all of its lines in a document.
fn reasons(adjustment: &Adjustment, cause: &Cause, item: ItemId) -> String {
    let is_meant = |index: u32| match cause {
        Cause::Adjustment { line, .. } => *line == index,
        _ => true,
    };
    let lines = (1..).zip(&adjustment.lines).filter(|(index, line)| is_meant(*index) && line.item == item);
    let mut words: Vec<String> = lines.map(|(_, line)| line.words()).collect();
    words.dedup();
    words.join("; ")
}

const fn document(cause: &Cause) -> Option<DocumentRef> {
    match cause {
        Cause::Document { of, .. } | Cause::LandedCost { of, .. } => Some(*of),
        Cause::Opening | Cause::Count | Cause::Adjustment { .. } => None,
    }
}

/// What a cost layer came from; nothing where the average tells no receipts apart.
fn layer_words(of: LayerOf, headers: &BTreeMap<DocumentRef, DocumentRecord>) -> String {
    match of {
        LayerOf::All => String::new(),
        LayerOf::Oversold => "oversold".to_owned(),
        LayerOf::Before(day) => format!("what lay there before {day}"),
        LayerOf::Movement(MovementKey { effective_on, cause, .. }) => match cause {
            Cause::Opening => "opening balance".to_owned(),
            Cause::Count => format!("count of {effective_on}"),
            Cause::Adjustment { number, .. } => format!("adjustment {number}"),
            Cause::Document { of, .. } | Cause::LandedCost { of, .. } => {
                let number = headers.get(&of).map(|header| header.number.as_str()).unwrap_or_default();
                format!("{} {number}", of.kind.words()).trim_end().to_owned()
            }
        },
    }
}

/// What Xero holds of a tracked item beyond its movements: known of now alone, once Xero was asked after the last of them.
fn unexplained(position: &Position, view: View, end: Option<Balance>) -> Result<Option<Balance>, AppError> {
    let is_comparable = position.tracked && view == View { by: view.by, ..View::default() };
    let snapshot = position.snapshot.filter(|known| is_comparable && known.booked == position.booked);
    let Some(snapshot) = snapshot else { return Ok(None) };
    let more = Balance {
        quantity: snapshot.xero.on_hand.minus(position.booked)?,
        value: snapshot.xero.cost_pool.minus(match view.by {
            Some(_) => end.unwrap_or_default().value,
            None => position.value,
        })?,
    };
    Ok((more != Balance::default()).then_some(more))
}
