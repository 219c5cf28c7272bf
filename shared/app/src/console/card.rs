//! The card of an item: its movements in effective order, with their documents.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use parstock_domain::costing::Layer;
use parstock_domain::document::{DocumentRef, Item};
use parstock_domain::ids::{ItemId, LocationId};
use parstock_domain::ledger::{Balance, Card, CardLine, Cause, Movement, Position};
use parstock_views::pages::{CARD_LINES_PER_PAGE, CardRow, CardShown, LayerRow};

use super::{Console, booked_lines};
use crate::error::AppError;
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
    /// What its stock cost now; empty when there is none.
    pub layers: Vec<LayerRow>,
}

impl<P: Ports> Console<'_, P> {
    /// The card of an item up to the end of a day, by the documents known now; without a day all that is known.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is no such item.
    pub async fn card(&self, id: ItemId, at: Option<Date>) -> Result<ItemCard, AppError> {
        let item = self.known_item(id).await?;
        let position = self.position(id).await?;
        let Card { lines, end } = self.folded(id, &position, at).await?;
        let rows = self.card_rows(&lines).await?;
        let unexplained = unexplained(&position, at)?;
        let found = rows.len();
        Ok(ItemCard {
            item,
            currency: self.reader.profile.content.organisation.base_currency.clone(),
            card: CardShown { at, end, unexplained, rows, page: 1, found },
            layers: self.layers(id).await?,
        })
    }

    /// A page of the card, the latest line first.
    pub(super) async fn card_page(
        &self,
        id: ItemId,
        position: &Position,
        at: Option<Date>,
        page: usize,
    ) -> Result<CardShown, AppError> {
        let Card { lines, end } = self.folded(id, position, at).await?;
        let found = lines.len();
        let skipped = page.saturating_sub(1).saturating_mul(CARD_LINES_PER_PAGE);
        let shown: Vec<CardLine> = lines.into_iter().rev().skip(skipped).take(CARD_LINES_PER_PAGE).collect();
        let rows = self.card_rows(&shown).await?;
        Ok(CardShown { at, end, unexplained: unexplained(position, at)?, rows, page, found })
    }

    async fn folded(&self, id: ItemId, position: &Position, at: Option<Date>) -> Result<Card, AppError> {
        let movements = self.all::<Movement>(&List::Movements(id)).await?;
        let movements = movements.into_iter().map(|(_, movement)| movement).collect();
        Ok(Card::fold(movements, position.opened, at)?)
    }

    async fn card_rows(&self, lines: &[CardLine]) -> Result<Vec<CardRow>, AppError> {
        let of = |line: &CardLine| match line.movement.key.cause {
            Cause::Document { of, .. } => Some(of),
            Cause::Opening | Cause::Count => None,
        };
        let documents: BTreeSet<DocumentRef> = lines.iter().filter_map(of).collect();
        let documents: Vec<DocumentRef> = documents.into_iter().collect();
        let mut headers: BTreeMap<DocumentRef, DocumentRecord> = BTreeMap::new();
        for chunk in documents.chunks(HEADERS_PER_READ) {
            let keys: Vec<Key> = chunk.iter().map(|of| Key::Document(*of)).collect();
            let read = self.many::<DocumentRecord>(&keys).await?;
            headers.extend(chunk.iter().zip(read).filter_map(|(of, header)| Some((*of, header?))));
        }
        let mut rows = Vec::with_capacity(lines.len());
        for line in lines {
            let header = of(line).and_then(|of| headers.get(&of));
            let movement = &line.movement;
            rows.push(CardRow {
                on: movement.key.effective_on,
                cause: match movement.key.cause {
                    Cause::Opening => "opening balance",
                    Cause::Count => "count",
                    Cause::Document { of, .. } => of.kind.words(),
                },
                number: header.map(|header| header.number.clone()).unwrap_or_default(),
                contact: header.map(|header| header.contact_name.clone()).unwrap_or_default(),
                from: movement.from.clone(),
                to: movement.to.clone(),
                change: movement.signed_quantity()?,
                value: movement.layer_change()?,
                correction: movement.correction,
                after: line.after,
                reversal: movement.key.correction,
                booking: header.and_then(booked_lines),
                recorded_at: movement.recorded_at,
            });
        }
        Ok(rows)
    }

    pub(super) async fn layers(&self, id: ItemId) -> Result<Vec<LayerRow>, AppError> {
        let layer = self.one::<Layer>(Key::Layer(id, LocationId::main())).await?.unwrap_or_default();
        if layer.quantity.is_zero() {
            return Ok(Vec::new());
        }
        Ok(vec![LayerRow {
            quantity: layer.quantity,
            cost: layer.cost,
            unit_cost: layer.cost.per_unit(layer.quantity)?,
        }])
    }
}

/// What Xero holds of a tracked item beyond its movements: known of now alone, once Xero was asked after the last of them.
fn unexplained(position: &Position, at: Option<Date>) -> Result<Option<Balance>, AppError> {
    let is_comparable = position.tracked && at.is_none();
    let snapshot = position.snapshot.filter(|known| is_comparable && known.booked == position.booked);
    let Some(snapshot) = snapshot else { return Ok(None) };
    let more = Balance {
        quantity: snapshot.xero.on_hand.minus(position.booked)?,
        value: snapshot.xero.cost_pool.minus(position.value)?,
    };
    Ok((more != Balance::default()).then_some(more))
}
