//! The page of item prices.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use parstock_domain::ids::ItemId;
use parstock_domain::prices::PriceStatus;
use parstock_domain::settings::Policy;
use parstock_views::pages::{PRICES_SHOWN_MAX, PricesPage, moved_per_mille};

use super::Console;
use crate::error::AppError;
use crate::ports::Ports;
use crate::prices;
use crate::records::Key;

impl<P: Ports> Console<'_, P> {
    /// Item prices that wait for a person, with what went wrong when somebody last decided and which prices that was about.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn prices(&self, problem: Option<(String, BTreeSet<ItemId>)>) -> Result<PricesPage, AppError> {
        let policy = self.one::<Policy>(Key::Policy).await?.unwrap_or_default();
        let mut open = prices::all(self.reader.ports(), self.reader.org()).await?;
        let is_under_way = |status: &PriceStatus| matches!(status, PriceStatus::Approved { .. });
        let under_way = open.iter().filter(|change| is_under_way(&change.status)).count();
        open.retain(|change| change.status.is_open());
        let count = open.len();
        open.sort_by_key(|change| Reverse(moved_per_mille(change).saturating_abs()));
        open.truncate(PRICES_SHOWN_MAX);
        let percent = policy.org().price_change_percent;
        Ok(PricesPage { site: self.site().await?, open, count, under_way, percent, problem })
    }
}
