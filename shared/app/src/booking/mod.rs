//! Booking a document: desired minus booked, in commits of at most a hundred rows.
//!
//! Each commit leaves the ledger consistent, so a crash between two of them is mended by looking again:
//! what is booked by then is no longer a difference. A later revision may begin before an earlier one is
//! whole, for the same reason. `progress` on the document's row tells readers how far it is.

mod arrive;
mod items;
mod meet;
mod pending;
mod questions;
mod rows;
mod step;
mod warning;

pub(crate) use self::warning::alert;
pub use self::warning::warning;

use std::collections::{BTreeMap, BTreeSet};

use parstock_domain::audit::Hash;
use parstock_domain::document::{Document, DocumentKind, DocumentStatus, ItemRef};
use parstock_domain::event::{EventType, Source};
use parstock_domain::goods_receipt::{self, GoodsReceipt};
use parstock_domain::ids::{EffectId, ItemId};
use parstock_domain::ledger::booking::{changes, desired};

use self::pending::{all_lines, reworded, unmatched};
use self::rows::Loaded;
use self::step::Step;
use crate::error::AppError;
use crate::landed;
use crate::load::{self, removal};
use crate::look_again;
use crate::ports::Ports;
use crate::receiving;
use crate::records::{Effect, EffectKind, Key, ReviewKind};
use crate::units;
use crate::writer::Writer;

/// Times a commit that another worker foiled is decided anew.
const ATTEMPTS_MAX: u32 = 5;

/// What booking a document did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// What happened, unless nothing did.
    pub event: Option<EventType>,
    /// Movements that were booked.
    pub movements: u32,
    /// Items whose position crossed a line.
    pub crossed: BTreeSet<ItemId>,
    /// Items of bills and orders: they are planned at once, since warnings and proposals count on what is
    /// on order.
    pub supplied: BTreeSet<ItemId>,
    /// Whether a tracked item moved, so that Xero's own figures have changed.
    pub touched_tracked: bool,
}

/// Brings what is booked for `document` to its present state.
///
/// A state older than the booked one is dropped, an equal one is nothing new.
///
/// # Errors
/// When the store does not answer or a figure does not fit; nothing is lost, look again later.
pub async fn book<P: Ports>(
    writer: &mut Writer<'_, P>,
    document: &Document,
    codes: &Codes,
    source: Source,
    effect: Option<EffectId>,
) -> Result<Outcome, AppError> {
    let content = content_of(document)?;
    let mut outcome = Outcome::default();
    let mut conflicts = 0;
    loop {
        let mut loaded = Loaded::read(writer, document.of).await?;
        let (mut same_content, mut same_paper) = (false, false);
        if let Some(header) = &loaded.header {
            let standing = &header.content;
            if standing.updated_at > document.updated_at {
                return Ok(outcome);
            }
            same_paper = standing.content == content;
            same_content = same_paper && standing.progress.is_none();
            if same_content && !standing.unresolved && (effect.is_none() || standing.effect == effect) {
                return Ok(outcome);
            }
        }
        let resolve = |named: &ItemRef| named.id.or_else(|| codes.get(&named.code).copied());
        let counted = units::in_base_units(writer, document, resolve).await?;
        let document = counted.as_ref();
        let wanted = desired(document, resolve)?;
        let unresolved = !wanted.unknown_items.is_empty();
        let mut pending = match document.of.kind {
            // the order's status and dates stand on each of its lines
            DocumentKind::PurchaseOrder => all_lines(&wanted.lines, &loaded.booked()),
            DocumentKind::Bill => {
                let mut pending = changes(&wanted.lines, &loaded.booked());
                pending.extend(unmatched(&wanted.lines, &loaded.booked()));
                pending.extend(reworded(&wanted.lines, &loaded.booked(), true));
                pending
            }
            _ => {
                let mut pending = changes(&wanted.lines, &loaded.booked());
                pending.extend(reworded(&wanted.lines, &loaded.booked(), false));
                pending
            }
        };
        if same_content && pending.is_empty() && effect.is_none() && unresolved {
            // the unknown item is still unknown
            return Ok(outcome);
        }
        let standing = loaded.header.as_ref().map(|header| &header.content);
        let may_guess = standing.is_none_or(|standing| standing.unresolved);
        // what came before we ordered something ourselves is not what we ordered
        let is_ours = effect.is_some() || standing.is_some_and(|standing| standing.effect.is_some());
        if document.of.kind == DocumentKind::PurchaseOrder && !is_ours {
            look_again::at_bills(writer, document, &pending).await?;
        }
        // as costs follow each other, so that no line changes what another of the document was booked at
        pending.sort_by_key(|change| {
            (change.after.as_ref().is_some_and(|after| after.change.is_negative()), change.line)
        });
        let receipt = receipt_behind(writer, document, effect.or(standing.and_then(|it| it.effect))).await?;
        let total = pending.len();
        let mut first = true;
        let is_new = loaded.header.is_none();
        let result: Result<(), AppError> = loop {
            let uncountable = wanted.uncountable;
            let receipt = receipt.as_ref();
            let step = Step {
                document,
                content,
                source,
                effect,
                receipt,
                is_new,
                unresolved,
                uncountable,
                same_paper,
                may_guess,
            };
            let mut extra = Vec::new();
            if first {
                extra.extend(step.review_unknown(writer, &loaded, &wanted.unknown_items));
                extra.extend(step.review_in_advance(writer, &loaded, &wanted.lines));
                let booked = loaded.header.as_ref().map(|header| &header.content);
                if let (Some(receipt), DocumentStatus::Voided | DocumentStatus::Deleted) =
                    (receipt.filter(|_| document.of.kind == DocumentKind::Bill), document.status)
                {
                    let question = receiving::question_key(ReviewKind::ReceiptBill, receipt.number);
                    extra.push(removal(question));
                }
                extra.extend(landed::keep(writer, document, booked, &wanted.lines).await?);
                extra.extend(landed::voided(writer, document).await?);
            }
            // apart from the caller's stack: it is the largest step of all
            match Box::pin(step.commit(writer, &mut loaded, &mut pending, total, extra, &mut outcome)).await {
                Ok(()) if pending.is_empty() => break Ok(()),
                Ok(()) => first = false,
                Err(error) => break Err(error),
            }
        };
        match result {
            Ok(()) => return Ok(outcome),
            Err(AppError::Retry(_)) if conflicts < ATTEMPTS_MAX => {
                conflicts += 1;
                writer.reload_head().await?;
            }
            Err(error) => return Err(error),
        }
    }
}

/// The goods receipt that is booked, or for which we wrote a bill ourselves.
async fn receipt_behind<P: Ports>(
    writer: &Writer<'_, P>,
    document: &Document,
    effect: Option<EffectId>,
) -> Result<Option<GoodsReceipt>, AppError> {
    let store = writer.ports().store();
    let number = match (document.of.kind, effect) {
        (DocumentKind::GoodsReceipt, _) => goods_receipt::number_of(&document.number),
        (DocumentKind::Bill, Some(effect)) => {
            let effect = load::one::<Effect>(store, writer.owner(), Key::Effect(effect)).await?;
            effect.and_then(|effect| match effect.content.what {
                EffectKind::GoodsReceipt { number, .. } => Some(number),
                _ => None,
            })
        }
        _ => None,
    };
    let Some(number) = number else { return Ok(None) };
    let receipt = load::one(store, writer.owner(), Key::GoodsReceipt(number)).await?;
    Ok(receipt.map(|receipt| receipt.content))
}

/// Hash of what a document says, without the instant of its last change.
pub(crate) fn content_of(document: &Document) -> Result<Hash, AppError> {
    let timeless = Document { updated_at: jiff::Timestamp::UNIX_EPOCH, ..document.clone() };
    Ok(Hash::of(&serde_json::to_vec(&timeless)?))
}

/// Finds items by the codes of a document's lines.
pub type Codes = BTreeMap<String, ItemId>;
