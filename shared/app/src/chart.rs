//! The recent past of an item's stock, day by day, for charts.

use jiff::civil::Date;
use parstock_domain::fixed::Quantity;
use parstock_domain::ids::{ItemId, LocationId};
use parstock_domain::ledger::Position;
use parstock_domain::replenish::Plan;
use parstock_views::chart::StockChart;

use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::Key;
use crate::writer::Writer;

/// Days that a chart in a mail shows.
pub const MAIL_DAYS: i32 = 90;
/// Days that the chart of an item's page shows.
pub const PAGE_DAYS: i32 = 180;

/// Stock at the end of each of the last `days` days, and what was sold on each; `None` for an item that
/// was never counted.
///
/// # Errors
/// When the store does not answer.
pub async fn stock<P: Ports>(
    writer: &Writer<'_, P>,
    item: ItemId,
    days: i32,
) -> Result<Option<StockChart>, AppError> {
    let store = writer.ports().store();
    let location = LocationId::main();
    let today = writer.clock().day_of(writer.now());
    let position =
        load::one::<Position>(store, writer.owner(), Key::Position(item, location.clone())).await?;
    let Some(position) = position else { return Ok(None) };
    let Some(on_hand) = position.content.on_hand(today)?.quantity() else { return Ok(None) };
    let plan = load::one::<Plan>(store, writer.owner(), Key::Plan(item, location)).await?;
    let first = today.checked_sub(jiff::Span::new().days(i64::from(days) - 1)).unwrap_or(today);
    let movements = load::movements(store, writer.org(), item, Some(first)).await?;
    let shown: Vec<Date> = first.series(jiff::Span::new().days(1)).take_while(|day| *day <= today).collect();
    let mut sales = vec![Quantity::ZERO; shown.len()];
    let mut changes = vec![Quantity::ZERO; shown.len()];
    for movement in movements.iter().filter(|movement| movement.key.effective_on <= today) {
        let Ok(index) = shown.binary_search(&movement.key.effective_on) else { continue };
        if let (Some(sale), Some(demand)) = (sales.get_mut(index), movement.demand()?) {
            *sale = sale.plus(demand)?;
        }
        if let Some(change) = changes.get_mut(index) {
            *change = change.plus(movement.signed_quantity()?)?;
        }
    }
    // backwards from what lies there now, so that the last day agrees with the figure beside the chart
    let mut level = on_hand;
    let mut levels = Vec::with_capacity(shown.len());
    for change in changes.iter().rev() {
        levels.push(level);
        level = level.minus(*change)?;
    }
    levels.reverse();
    Ok(Some(StockChart {
        ends_on: today,
        on_hand: levels,
        sales: sales.into_iter().map(|sale| sale.max(Quantity::ZERO)).collect(),
        reorder_point: plan.map(|plan| plan.content.reorder_point),
    }))
}
