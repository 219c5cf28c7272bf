//! Approved item prices are set in Xero. Setting one twice does no more than once: after an unknown outcome it is done again.

use parstock_domain::document::Item;
use parstock_domain::ids::ItemId;
use parstock_domain::prices::{PriceChange, PriceStatus, PriceWrite};

use super::Attempt;
use crate::error::AppError;
use crate::load;
use crate::ports::{Books, BooksError, BooksSession, Ports, Priority, Write};
use crate::records::{EffectState, Key};
use crate::sync::touch;
use crate::writer::{Reason, Writer};

/// Calls that setting prices takes: reading the items, and writing them.
const CALLS: u32 = 2;

/// Tries to set prices.
pub(super) async fn send<P: Ports>(
    writer: &mut Writer<'_, P>,
    mut attempt: Attempt,
    prices: &[PriceWrite],
) -> Result<(), AppError> {
    let outcome = match writer.ports().books().open(writer.org(), Priority::Person, CALLS).await {
        Ok(mut session) => {
            let outcome = session.set_purchase_prices(prices, attempt.id).await;
            session.close().await;
            outcome
        }
        Err(error) => Err(error),
    };
    let refused = match outcome {
        Ok(refused) => refused,
        Err(BooksError::NotNow { until, why }) => return attempt.not_now(writer, until, why).await,
        Err(BooksError::NeedsPerson(why)) => return attempt.wait_for_person(writer, why).await,
        Err(BooksError::Retry(why) | BooksError::Unknown(why)) if !attempt.is_exhausted() => {
            return attempt.later(writer, None, why).await;
        }
        Err(BooksError::Retry(why) | BooksError::Unknown(why) | BooksError::Reject(why)) => {
            prices.iter().map(|price| (price.item, why.clone())).collect()
        }
    };
    // their plans begin with another price
    touch(writer, prices.iter().map(|price| price.item).collect()).await?;
    let writes = ended(writer, &attempt, prices, &refused).await?;
    let told = Reason::own("prices set")
        .with("prices", prices.len().saturating_sub(refused.len()))
        .with("refused", refused.len());
    let status = match refused.first() {
        Some((_, why)) if refused.len() == prices.len() => EffectState::Failed { reason: why.clone() },
        _ => EffectState::Done { at: writer.now() },
    };
    attempt.end(writer, status, writes, told).await
}

/// The rows of prices that are set are over, and the items have them; those that Xero refused can be decided again.
async fn ended<P: Ports>(
    writer: &Writer<'_, P>,
    attempt: &Attempt,
    prices: &[PriceWrite],
    refused: &[(ItemId, String)],
) -> Result<Vec<Write>, AppError> {
    let keys: Vec<Key> = prices.iter().map(|price| Key::PriceChange(price.item)).collect();
    let store = writer.ports().store();
    let rows = load::many::<PriceChange>(store, writer.owner(), &keys).await?;
    let items: Vec<Key> = prices.iter().map(|price| Key::Item(price.item)).collect();
    let items = load::many::<Item>(store, writer.owner(), &items).await?;
    let mut writes = Vec::new();
    for (price, item) in prices.iter().zip(items) {
        // so that nobody takes our own price for somebody else's when the item is read again
        let is_set = !refused.iter().any(|(refused, _)| *refused == price.item);
        if let Some(mut item) = item.filter(|item| is_set && item.content.purchase_price == Some(price.from))
        {
            item.content.purchase_price = Some(price.to);
            writes.push(item.write(Key::Item(price.item)));
        }
    }
    for (key, row) in keys.into_iter().zip(rows) {
        let Some(mut row) = row else { continue };
        let is_ours = |status: &PriceStatus| matches!(status, PriceStatus::Approved { effect, .. } if *effect == attempt.id);
        if !is_ours(&row.content.status) {
            continue;
        }
        match refused.iter().find(|(item, _)| *item == row.content.item) {
            Some((_, reason)) => {
                row.content.status = PriceStatus::Failed { reason: reason.clone() };
                writes.push(row.write(key));
            }
            None => writes.push(Write { key, record: None, expect: row.expect }),
        }
    }
    Ok(writes)
}
