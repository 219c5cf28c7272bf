//! The page of adjustments.

use parstock_views::pages::{ADJUSTMENTS_SHOWN_MAX, AdjustmentsPage, EnteredAdjustment};

use super::Console;
use crate::adjustments;
use crate::error::AppError;
use crate::ports::Ports;

impl<P: Ports> Console<'_, P> {
    /// Adjustments of late, with what was entered and what stood against it.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn adjustments(
        &self,
        entered: EnteredAdjustment,
        problem: Option<String>,
    ) -> Result<AdjustmentsPage, AppError> {
        let mut adjustments = adjustments::all(self.reader.ports(), self.reader.org()).await?;
        let count = adjustments.len();
        // those that wait for a person first
        adjustments.sort_by_key(|adjustment| !adjustment.is_open());
        adjustments.truncate(ADJUSTMENTS_SHOWN_MAX);
        Ok(AdjustmentsPage { site: self.site().await?, adjustments, count, entered, problem })
    }
}
