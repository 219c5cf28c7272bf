//! What lay where at the end of a past day, what was promised then, and what was to come.

use jiff::civil::Date;
use parstock_domain::document::Item;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::LocationId;
use parstock_domain::ledger::position::Snapshot;
use parstock_domain::ledger::{Balance, OrderLine, Position, View};
use parstock_domain::replenish::{Plan, ToCome};
use parstock_domain::settings::LEAD_TIME_DAYS_DEFAULT;
use parstock_views::pages::{POSITIONS_PER_PAGE, PositionAt, PositionsAtPage};

use super::{Console, is_named};
use crate::error::AppError;
use crate::ports::Ports;
use crate::records::{Key, List};

impl<P: Ports> Console<'_, P> {
    /// How each item stood at the end of a day, by the documents known now: a page of the items whose code or name holds `search`, by
    /// code.
    ///
    /// # Errors
    /// When the store does not answer or a figure does not fit.
    pub async fn positions_at(
        &self,
        day: Date,
        search: String,
        page: usize,
    ) -> Result<PositionsAtPage, AppError> {
        let needle = search.to_lowercase();
        let mut items: Vec<Item> =
            self.all::<Item>(&List::Items).await?.into_iter().map(|(_, item)| item).collect();
        items.retain(|item| is_named(item, &needle));
        items.sort_by(|a, b| a.code.cmp(&b.code));
        let found = items.len();
        let skipped = page.saturating_sub(1).saturating_mul(POSITIONS_PER_PAGE);
        let shown: Vec<Item> = items.into_iter().skip(skipped).take(POSITIONS_PER_PAGE).collect();
        let keys: Vec<Key> = shown.iter().map(|item| Key::Position(item.id, LocationId::main())).collect();
        let positions = self.many::<Position>(&keys).await?;
        let keys: Vec<Key> = shown.iter().map(|item| Key::Plan(item.id, LocationId::main())).collect();
        let plans = self.many::<Plan>(&keys).await?;
        let mut rows = Vec::with_capacity(shown.len());
        for ((item, position), plan) in shown.into_iter().zip(positions).zip(plans) {
            rows.push(self.position_at(item, position.unwrap_or_default(), plan, day).await?);
        }
        Ok(PositionsAtPage { site: self.site().await?, day, search, page, rows, found })
    }

    /// Of a tracked item what lay there is what Xero said last by then: its documents say so only of the days before parstock was
    /// connected.
    async fn position_at(
        &self,
        item: Item,
        position: Position,
        plan: Option<Plan>,
        day: Date,
    ) -> Result<PositionAt, AppError> {
        let view = View { from: day.tomorrow().ok(), at: Some(day), ..View::default() };
        let said = self.said(item.id, &position, view).await?;
        let end = match said {
            Some(Snapshot { xero, .. }) => Some(Balance { quantity: xero.on_hand, value: xero.cost_pool }),
            None if position.opened => self.folded(item.id, &position, view, 0).await?.end,
            None => None,
        };
        let counts_drafts = plan.as_ref().is_none_or(|plan| plan.count_sales_drafts);
        let drafts = if counts_drafts { position.committed_at(day)? } else { Quantity::ZERO };
        let committed = drafts.plus(said.map(|said| said.xero.back_ordered).unwrap_or_default())?;
        let orders = self.all::<OrderLine>(&List::OrderLines(item.id)).await?;
        let orders: Vec<OrderLine> = orders.into_iter().map(|(_, line)| line).collect();
        let lead_time_days = plan.map_or(LEAD_TIME_DAYS_DEFAULT, |plan| plan.lead_time_days.value);
        let ToCome { on_order, late, in_transit } = ToCome::at(day, &orders, lead_time_days)?;
        Ok(PositionAt {
            item: item.id,
            code: item.code,
            name: item.name,
            available: end.map(|end| end.quantity.minus(committed)).transpose()?,
            end,
            committed,
            on_order,
            late,
            in_transit,
        })
    }
}
