//! Questions about closed months.

use jiff::civil::Date;
use parstock_domain::ledger::{ClosedItem, Closing};
use parstock_views::pages::{CLOSED_ITEMS_SHOWN_MAX, ClosingPage, ClosingsPage};

use super::Console;
use crate::closing::{self, Checked};
use crate::error::AppError;
use crate::ports::Ports;
use crate::records::{Key, List};

impl<P: Ports> Console<'_, P> {
    /// What was reported of closed months.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn closings(&self) -> Result<ClosingsPage, AppError> {
        let rows = self.all::<Closing>(&List::Closings).await?;
        let closings = rows.into_iter().rev().map(|(_, closing)| closing).collect();
        Ok(ClosingsPage { site: self.site().await?, closings })
    }

    /// One closing with the items of most money.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is none; when the store does not answer.
    pub async fn closing(&self, month: Date, number: u32) -> Result<ClosingPage, AppError> {
        let closing = self.one::<Closing>(Key::Closing(month, number)).await?;
        let closing = closing
            .ok_or_else(|| AppError::Reject(format!("{} was not closed here", month.strftime("%Y-%m"))))?;
        let mut items = self.closed_items(&closing).await?;
        items.sort_by_key(|item| std::cmp::Reverse(item.figures.end.value.magnitude()));
        items.truncate(CLOSED_ITEMS_SHOWN_MAX);
        Ok(ClosingPage { site: self.site().await?, closing, items })
    }

    /// All items of a closing.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn closed_items(&self, closing: &Closing) -> Result<Vec<ClosedItem>, AppError> {
        closing::items(self.reader.ports(), self.reader.org(), closing).await
    }

    /// Whether a closing is whole, and the items of which the ledger says another thing now.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn check_closing(&self, closing: &Closing) -> Result<Checked, AppError> {
        closing::check(self.reader.ports(), self.reader.org(), closing).await
    }
}
