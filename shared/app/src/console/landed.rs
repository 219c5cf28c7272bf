//! The pages of landed cost: what waits to be spread, what a voucher would do, and the vouchers.

use std::collections::BTreeMap;

use jiff::ToSpan;
use parstock_domain::adjustment::{Adjustment, AdjustmentNumber};
use parstock_domain::document::DocumentRef;
use parstock_domain::fixed::Money;
use parstock_domain::landed::{Basis, Charge, Papers, Purchase, Request, SHARES_MAX, Voucher, VoucherNumber};
use parstock_views::pages::{
    BILLS_SHOWN_MAX, BillRow, Entered, LandedChoicePage, LandedFormPage, LandedPage, LandedPreviewPage,
    ReceiptRow, VOUCHERS_SHOWN_MAX, VoucherPage,
};

use super::Console;
use crate::error::AppError;
use crate::landed::{self, Landed, purchases_since};
use crate::ports::Ports;
use crate::records::{DocumentRecord, Key};

/// Purchases whose lines one form offers.
const PURCHASES_OFFERED_MAX: usize = 20;

impl<P: Ports> Console<'_, P> {
    /// Freight that waits to be spread, and the vouchers.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn landed(&self) -> Result<LandedPage, AppError> {
        let mut to_spread = Vec::new();
        for purchase in self.listed_purchases().await?.iter().filter(|purchase| !purchase.left_alone) {
            to_spread.extend(BillRow::of(purchase, Charge::looks_like_freight)?);
        }
        let bills = to_spread.len();
        to_spread.truncate(BILLS_SHOWN_MAX);
        let mut vouchers = landed::all(self.reader.ports(), self.reader.org()).await?;
        let count = vouchers.len();
        vouchers.truncate(VOUCHERS_SHOWN_MAX);
        Ok(LandedPage { site: self.site().await?, to_spread, bills, vouchers, count })
    }

    /// The bills of which a new voucher can spread something.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn landed_choice(&self) -> Result<LandedChoicePage, AppError> {
        let mut rows = Vec::new();
        for purchase in &self.listed_purchases().await? {
            rows.extend(BillRow::of(purchase, |_| true)?);
        }
        let count = rows.len();
        rows.truncate(BILLS_SHOWN_MAX);
        Ok(LandedChoicePage { site: self.site().await?, rows, count })
    }

    /// The purchases of the days for which parstock asks about freight, the latest first.
    async fn listed_purchases(&self) -> Result<Vec<Purchase>, AppError> {
        let from = self.today().saturating_sub(landed::ASKED_ABOUT_DAYS.days());
        let mut purchases = purchases_since(&self.reader, from).await?;
        purchases.reverse();
        Ok(purchases)
    }

    /// The form by which charges of a bill are spread over the goods that came in so many days before it on bills whose number or supplier
    /// holds a text, with what a person entered and what was wrong with it.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is no such bill; when the store does not answer.
    pub async fn landed_form(
        &self,
        of: DocumentRef,
        basis: Basis,
        (days, search): (i64, String),
        entered: Option<Entered>,
        problem: Option<String>,
    ) -> Result<LandedFormPage, AppError> {
        let purchase = self.purchase(of).await?;
        let days = days.clamp(0, landed::LOOKED_BACK_DAYS);
        let last = purchase.on.saturating_add(landed::FREIGHT_BEFORE_GOODS_DAYS.days());
        let mut goods = purchases_since(&self.reader, purchase.on.saturating_sub(days.days())).await?;
        let needle = search.to_lowercase();
        let is_named = |goods: &Purchase| {
            goods.number.to_lowercase().contains(&needle)
                || goods.contact_name.to_lowercase().contains(&needle)
        };
        let suggested = purchase.papers.as_ref().map(Papers::suggested).unwrap_or_default();
        let is_always = |goods: &Purchase| goods.of == of || suggested.contains_key(&goods.of);
        goods.retain(|goods| goods.brings_any() && goods.on <= last && (is_named(goods) || is_always(goods)));
        // its own lines first, then what its papers name, then the nearest in time
        goods.sort_by_key(|goods| {
            let is_suggested = suggested.contains_key(&goods.of);
            (goods.of != of, !is_suggested, landed::days_apart(&purchase, goods), goods.of)
        });
        let more_purchases = goods.len().saturating_sub(PURCHASES_OFFERED_MAX);
        goods.truncate(PURCHASES_OFFERED_MAX);
        let mut receipts = self.goods_of(&goods).await?;
        let more_lines = receipts.len().saturating_sub(SHARES_MAX);
        receipts.truncate(SHARES_MAX);
        Ok(LandedFormPage {
            site: self.site().await?,
            purchase,
            receipts,
            days,
            days_max: landed::LOOKED_BACK_DAYS,
            search,
            left_out: (more_purchases, more_lines),
            basis,
            entered,
            problem,
        })
    }

    async fn purchase(&self, of: DocumentRef) -> Result<Purchase, AppError> {
        let gone = || {
            AppError::Reject(
                "there is no such bill, or no more: it was changed, voided or never approved".to_owned(),
            )
        };
        let header = self.one::<DocumentRecord>(Key::Document(of)).await?.ok_or_else(gone)?;
        self.one::<Purchase>(Key::Purchase(header.date, of)).await?.ok_or_else(gone)
    }

    /// The lines by which purchases brought goods in, purchase by purchase, by the code of the item.
    async fn goods_of(&self, goods: &[Purchase]) -> Result<Vec<ReceiptRow>, AppError> {
        let received = landed::received(&self.reader, &goods.iter().map(|goods| goods.of).collect()).await?;
        let places: BTreeMap<DocumentRef, (usize, &Purchase)> =
            goods.iter().enumerate().map(|(place, goods)| (goods.of, (place, goods))).collect();
        let mut rows = Vec::new();
        for ((of, line), received) in received {
            let Some((place, goods)) = places.get(&of) else { continue };
            let contact_name = goods.contact_name.clone();
            rows.push((*place, ReceiptRow { of, line, contact_name, received }));
        }
        rows.sort_by(|(a_place, a), (b_place, b)| {
            (a_place, &a.received.code, a.line).cmp(&(b_place, &b.received.code, b.line))
        });
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// What a request would do now, with what a person entered to make it.
    ///
    /// # Errors
    /// [`AppError::Reject`] says what stands against it; else when the store does not answer.
    pub async fn landed_preview(
        &self,
        request: &Request,
        entered: Entered,
    ) -> Result<LandedPreviewPage, AppError> {
        let preview = landed::preview(self.reader.ports(), self.reader.org(), request).await?;
        let sum =
            |part: fn(&Landed) -> Money| preview.landed.iter().map(part).try_fold(Money::ZERO, Money::plus);
        let (in_stock, sold) = (sum(|landed| landed.in_stock)?, sum(|landed| landed.sold)?);
        Ok(LandedPreviewPage {
            site: self.site().await?,
            total: preview.draft.total()?,
            landed: preview.landed.iter().map(|landed| (landed.in_stock, landed.sold)).collect(),
            draft: preview.draft,
            revalued: preview.revalued,
            contents: preview.contents,
            in_stock,
            sold,
            entered,
        })
    }

    /// One voucher, with what went wrong when somebody last tried to take it back.
    ///
    /// # Errors
    /// [`AppError::Reject`] when there is none; when the store does not answer.
    pub async fn voucher(
        &self,
        number: VoucherNumber,
        problem: Option<String>,
    ) -> Result<VoucherPage, AppError> {
        let voucher = self.one::<Voucher>(Key::Voucher(number)).await?;
        let voucher =
            voucher.ok_or_else(|| AppError::Reject(format!("there is no landed cost voucher {number}")))?;
        let mut halves = Vec::new();
        for made in [&voucher.revaluation, &voucher.revaluation_back].into_iter().flatten() {
            let Some(first) = self.half(made.adjustment).await? else { continue };
            let second = self.half(first.revalues.as_ref().map(|revalues| revalues.other)).await?;
            halves
                .extend([Some(first), second].into_iter().flatten().map(|it| (it.number, it.state_words())));
        }
        Ok(VoucherPage { site: self.site().await?, voucher, halves, problem })
    }

    async fn half(&self, number: Option<AdjustmentNumber>) -> Result<Option<Adjustment>, AppError> {
        match number {
            Some(number) => self.one::<Adjustment>(Key::Adjustment(number)).await,
            None => Ok(None),
        }
    }
}
