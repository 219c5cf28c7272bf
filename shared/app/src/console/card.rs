//! The card of an item: its movements in effective order, with their documents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber};
use parstock_domain::costing::Layer;
use parstock_domain::document::{DocumentRef, Item};
use parstock_domain::ids::{ItemId, LocationId};
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Balance, Because, Card, CardLine, Cause, Layers, Position, Restatement, View};
use parstock_views::pages::{
    CARD_LINES_PER_PAGE, CardRow, CardShown, LayerRow, RESTATED_SHOWN_MAX, RestatedRow,
};

use super::{Console, booked_lines};
use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::{DocumentRecord, Key, List};

/// Documents whose headers are read at once.
const HEADERS_PER_READ: usize = 500;

/// An item with its whole card.
#[derive(Clone, Debug)]
pub struct ItemCard {
    /// The item.
    pub item: Item,
    /// ISO code of the org's base currency.
    pub currency: String,
    /// All lines of its card, the earliest first.
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
        let Card { lines, end, layers } = self.folded(id, &position, view).await?;
        let said = self.said(id, &position, view).await?;
        let rows = self.card_rows(&lines).await?;
        let unexplained = unexplained(&position, view)?;
        let found = rows.len();
        let restated = self.restated(id, view, usize::MAX).await?;
        Ok(ItemCard {
            item,
            currency: self.reader.profile.content.organisation.base_currency.clone(),
            card: CardShown { at: view.at, end, said, unexplained, rows, page: 1, found, restated },
            layers: layer_rows(layers)?,
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
        let Card { lines, end, layers } = self.folded(id, position, view).await?;
        let said = self.said(id, position, view).await?;
        let found = lines.len();
        let skipped = page.saturating_sub(1).saturating_mul(CARD_LINES_PER_PAGE);
        let shown: Vec<CardLine> = lines.into_iter().rev().skip(skipped).take(CARD_LINES_PER_PAGE).collect();
        let rows = self.card_rows(&shown).await?;
        let unexplained = unexplained(position, view)?;
        let restated = self.restated(id, view, RESTATED_SHOWN_MAX).await?;
        let card = CardShown { at: view.at, end, said, unexplained, rows, page, found, restated };
        Ok((card, layer_rows(layers)?))
    }

    /// What lay there at the end of a day and what it was worth; `None` where nobody knows. Of a tracked item it is what Xero said last
    /// by then: its documents say so only of the days before parstock was connected.
    pub(super) async fn balance_at(
        &self,
        id: ItemId,
        position: &Position,
        day: Date,
    ) -> Result<Option<Balance>, AppError> {
        let view = View { at: Some(day), known: None };
        if let Some(Snapshot { xero, .. }) = self.said(id, position, view).await? {
            return Ok(Some(Balance { quantity: xero.on_hand, value: xero.cost_pool }));
        }
        if !position.opened {
            return Ok(None);
        }
        Ok(self.folded(id, position, view).await?.end)
    }

    /// What Xero had said last of a tracked item by the end of a day, if the view is of one.
    async fn said(&self, id: ItemId, position: &Position, view: View) -> Result<Option<Snapshot>, AppError> {
        let Some(day) = view.at.filter(|_| position.tracked) else { return Ok(None) };
        let mut said = self.all::<Snapshot>(&List::Snapshots(id)).await?.into_iter().map(|(_, said)| said);
        let clock = self.reader.clock();
        let is_seen =
            |said: &Snapshot| clock.day_of(said.at) <= day && view.known.is_none_or(|known| said.at <= known);
        Ok(said.rfind(is_seen))
    }

    async fn folded(&self, id: ItemId, position: &Position, view: View) -> Result<Card, AppError> {
        let movements = load::movements(self.reader.ports().store(), self.reader.org(), id, None).await?;
        let layers = self.one::<Layers>(Key::Layer(id, LocationId::main())).await?;
        let layers = layers.unwrap_or(Layers::Arrival(Layer::default()));
        Ok(Card::fold(movements, &layers, position.opened, view)?)
    }

    async fn card_rows(&self, lines: &[CardLine]) -> Result<Vec<CardRow>, AppError> {
        let of = |line: &CardLine| match line.movement.key.cause {
            Cause::Document { of, .. } | Cause::LandedCost { of, .. } => Some(of),
            Cause::Opening | Cause::Count | Cause::Adjustment { .. } => None,
        };
        let headers = self.headers(lines.iter().filter_map(of).collect()).await?;
        let adjusted = |line: &CardLine| match line.movement.key.cause {
            Cause::Adjustment { number, .. } => Some(number),
            // our own document of an adjustment goes by its number
            Cause::Document { of, .. } => {
                let header = headers.get(&of).filter(|header| header.effect.is_some())?;
                header.number.parse::<AdjustmentNumber>().ok()
            }
            Cause::Opening | Cause::Count | Cause::LandedCost { .. } => None,
        };
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
                contact: match adjustment {
                    Some(adjustment) => reasons(adjustment, &movement.key.cause, movement.item),
                    None => header.map(|header| header.contact_name.clone()).unwrap_or_default(),
                },
                from: movement.from.clone(),
                to: movement.to.clone(),
                change: movement.signed_quantity()?,
                value: line.value,
                correction: line.correction,
                after: line.after,
                reversal: movement.key.correction,
                booking: header.and_then(booked_lines),
                recorded_at: movement.recorded_at,
            });
        }
        Ok(rows)
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

fn layer_rows(layers: Vec<Balance>) -> Result<Vec<LayerRow>, AppError> {
    let row = |Balance { quantity, value: cost }: Balance| {
        Ok(LayerRow { quantity, cost, unit_cost: cost.per_unit(quantity)? })
    };
    layers.into_iter().map(row).collect()
}

/// What Xero holds of a tracked item beyond its movements: known of now alone, once Xero was asked after the last of them.
fn unexplained(position: &Position, view: View) -> Result<Option<Balance>, AppError> {
    let is_comparable = position.tracked && view == View::default();
    let snapshot = position.snapshot.filter(|known| is_comparable && known.booked == position.booked);
    let Some(snapshot) = snapshot else { return Ok(None) };
    let more = Balance {
        quantity: snapshot.xero.on_hand.minus(position.booked)?,
        value: snapshot.xero.cost_pool.minus(position.value)?,
    };
    Ok((more != Balance::default()).then_some(more))
}
