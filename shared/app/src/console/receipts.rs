//! The pages of goods receipts.

use parstock_domain::goods_receipt::{ReceiptNumber, Stage};
use parstock_domain::ids::DocumentId;
use parstock_domain::settings::Policy;
use parstock_views::pages::{
    RECEIPTS_SHOWN_MAX, ReceiptFields, ReceiptFormPage, ReceiptPage, ReceiptsPage, ToComeRow,
};

use super::Console;
use crate::error::AppError;
use crate::ports::Ports;
use crate::receiving;
use crate::records::Key;

impl<P: Ports> Console<'_, P> {
    /// What is to come, and what came in.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn receipts(&self) -> Result<ReceiptsPage, AppError> {
        let (ports, org) = (self.reader.ports(), self.reader.org());
        let orders = receiving::orders(ports, org).await?;
        let to_come = orders.into_iter().map(|order| ToComeRow {
            order: order.id,
            number: order.number,
            supplier_name: order.supplier_name,
            on: order.on,
            expected_on: order.expected_on,
            open_lines: order.open_lines,
        });
        let mut receipts = receiving::all(ports, org).await?;
        receipts.sort_by_key(|receipt| receipt.stage != Stage::Waiting);
        let count = receipts.len();
        receipts.truncate(RECEIPTS_SHOWN_MAX);
        Ok(ReceiptsPage { site: self.site().await?, to_come: to_come.collect(), receipts, count })
    }

    /// The form by which a person says what came in of an order, with what was entered and what was wrong with it.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is no such order; when the store does not answer.
    pub async fn receipt_form(
        &self,
        order: DocumentId,
        entered: Option<ReceiptFields>,
        problem: Option<String>,
    ) -> Result<ReceiptFormPage, AppError> {
        let order = receiving::order(self.reader.ports(), self.reader.org(), order).await?;
        let policy = self.one::<Policy>(Key::Policy).await?.unwrap_or_default();
        Ok(ReceiptFormPage {
            site: self.site().await?,
            contents: order.contents()?,
            order: order.id,
            number: order.number,
            supplier_name: order.supplier_name,
            on: order.on,
            lines: order.lines,
            percent: policy.org().receipt_deviation_percent,
            entered,
            problem,
        })
    }

    /// A goods receipt, with what stood against a decision on it.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is none; when the store does not answer.
    pub async fn receipt(
        &self,
        number: ReceiptNumber,
        problem: Option<String>,
    ) -> Result<ReceiptPage, AppError> {
        let receipt = receiving::receipt(&self.reader, number).await?.content;
        Ok(ReceiptPage { site: self.site().await?, receipt, problem })
    }
}
