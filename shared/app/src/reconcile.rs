//! The daily proof: once a day Xero's tracked stock and its accounts are held beside the ledger. It mends nothing.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::civil::Date;
use parstock_domain::document::{Account, DocumentKind, DocumentRef, Item, XeroQuantity};
use parstock_domain::fixed::Money;
use parstock_domain::ids::{ItemId, LocationId, OrgId};
use parstock_domain::ledger::proof::{ADJUSTMENTS_CONTACT, Difference, LikelyCause, Subject, TrackedItem};
use parstock_domain::ledger::{Balance, Cause, Position, Proof};

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Books, BooksError, BooksSession, Expect, Ports, Priority, Store};
use crate::records::{Backfill, DocumentRecord, Key, List};
use crate::writer::{Reason, Writer};

/// Calls of a proof: quantities of tracked items, accounts, and their balances.
const CALLS: u32 = 3;
/// Seconds after a poll at which its proof begins, since the poll that asks for it holds the organisation.
pub(crate) const AFTER_POLL_SECONDS: u32 = 60;
/// Within which time Xero was last read whole, or what it holds may be documents that are not booked yet.
const READ_WITHIN: SignedDuration = SignedDuration::from_hours(1);
/// Rows that one read asks for.
const ROWS_PER_READ: usize = 500;
/// Items whose documents a proof looks through for adjustments, those of most money first: each takes reading its movements.
/// What yesterday's proof knew already is not looked for again.
const LOOKED_INTO_MAX: usize = 50;

/// Makes the proof of the org's day, unless it is there.
///
/// # Errors
/// [`AppError::NotNow`] while another worker holds the org; when Xero or the store does not answer. The sweep after the next
/// poll asks again.
pub async fn daily<P: Ports>(ports: &P, org: OrgId) -> Result<(), AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let today = writer.clock().day_of(writer.now());
    let result = match writer.profile.content.proved_on == Some(today) {
        true => Ok(()),
        false => prove(&mut writer, "parstock", Priority::Poll).await.map(drop),
    };
    writer.close().await;
    result
}

/// Makes the proof of the org's day anew, for a person who asks.
///
/// # Errors
/// As [`daily`]; [`AppError::Reject`] before the history is read.
pub async fn anew<P: Ports>(ports: &P, org: OrgId, who: &str) -> Result<Proof, AppError> {
    let mut writer = Writer::open(ports, org).await?;
    let result = prove(&mut writer, who, Priority::Person).await;
    writer.close().await;
    result
}

async fn prove<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    priority: Priority,
) -> Result<Proof, AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Err(AppError::Reject(
            "the history is not read yet, so there is nothing to compare: ask again when the health page says that it is whole"
                .to_owned(),
        ));
    }
    let now = writer.now();
    let today = writer.clock().day_of(now);
    let mut session = writer.ports().books().open(writer.org(), priority, CALLS).await?;
    let said = ask(&mut session, today).await;
    session.close().await;
    let (quantities, accounts) = said?;
    let items = tracked_items(writer, &quantities, today).await?;
    let store = writer.ports().store();
    let known = load::one::<Proof>(store, writer.owner(), Key::Proof(today)).await?;
    let last = match (&known, writer.profile.content.proved_on) {
        (Some(known), _) => Some(known.content.clone()),
        (None, Some(day)) => {
            load::one::<Proof>(store, writer.owner(), Key::Proof(day)).await?.map(|row| row.content)
        }
        (None, None) => None,
    };
    let mut proof = Proof::of(today, now, &items, accounts)?;
    look_into(writer, &mut proof.differences, last).await?;
    let expect = known.map_or(Expect::Absent, |known| known.expect);
    writer.profile.content.proved_on = Some(today);
    let writes = vec![
        Versioned { content: proof.clone(), expect }.write(Key::Proof(today)),
        writer.profile.clone().write(Key::Profile),
    ];
    let reason = Reason { who: who.to_owned(), ..Reason::own("prove the day") }
        .with("day", today)
        .with("differences", proof.count());
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    if proof.differs() {
        tracing::warn!(org_id = %writer.org(), count = proof.count(), "Xero and the ledger differ");
    }
    Ok(proof)
}

/// What Xero holds of tracked items, and its accounts or why they can't be read. Items that can't be read have a question of
/// their own and are left out.
async fn ask(
    session: &mut impl BooksSession,
    today: Date,
) -> Result<(Vec<(ItemId, XeroQuantity)>, Result<Vec<Account>, String>), AppError> {
    let quantities = session.tracked_quantities().await?.quantities;
    let accounts = match session.accounts(today).await {
        Ok(accounts) => Ok(accounts),
        Err(error @ BooksError::NotNow { .. }) => return Err(error.into()),
        // such as the right to read reports, which a consent may lack; asking again all day would use up calls
        Err(error) => Err(error.to_string()),
    };
    Ok((quantities, accounts))
}

/// Every tracked item, as Xero holds it and as the ledger does.
async fn tracked_items<P: Ports>(
    writer: &Writer<'_, P>,
    quantities: &[(ItemId, XeroQuantity)],
    today: Date,
) -> Result<Vec<TrackedItem>, AppError> {
    let store = writer.ports().store();
    let hints = store.list(writer.owner(), &List::Hints, None, 1).await?;
    let read_whole = writer.profile.content.polled_at;
    let is_fresh = read_whole.is_some_and(|at| writer.now().duration_since(at) < READ_WITHIN);
    let documents_wait = !hints.rows.is_empty() || !is_fresh;
    let mut items = Vec::with_capacity(quantities.len());
    for chunk in quantities.chunks(ROWS_PER_READ) {
        let keys: Vec<Key> = chunk.iter().map(|(item, _)| Key::Item(*item)).collect();
        let masters = load::many::<Item>(store, writer.owner(), &keys).await?;
        let keys: Vec<Key> = chunk.iter().map(|(item, _)| Key::Position(*item, LocationId::main())).collect();
        let positions = load::many::<Position>(store, writer.owner(), &keys).await?;
        for (((item, xero), master), position) in chunk.iter().zip(masters).zip(positions) {
            let (named, account) = match master.map(|row| row.content) {
                Some(master) => (format!("{} {}", master.code, master.name), master.purchase_account),
                None => (item.to_string(), String::new()),
            };
            let position = position.map(|row| row.content).unwrap_or_default();
            let is_ahead = position.ahead.iter().any(|ahead| ahead.on > today);
            // a change that the last poll had not seen may be a document
            let is_new = position.snapshot.is_none_or(|known| known.xero.on_hand != xero.on_hand);
            items.push(TrackedItem {
                item: *item,
                named,
                account,
                xero: *xero,
                ours: Balance { quantity: position.booked, value: position.value },
                ahead: if is_ahead { ahead(writer, *item, today).await? } else { Money::ZERO },
                waits: !position.opened
                    || !position.tracked
                    || (xero.on_hand != position.booked && (documents_wait || is_new)),
            });
        }
    }
    Ok(items)
}

/// What documents of days that have not come changed of the ledger's value of an item.
async fn ahead<P: Ports>(writer: &Writer<'_, P>, item: ItemId, today: Date) -> Result<Money, AppError> {
    let Ok(first) = today.tomorrow() else { return Ok(Money::ZERO) };
    let mut sum = Money::ZERO;
    for movement in load::movements(writer.ports().store(), writer.org(), item, Some(first)).await? {
        sum = sum.plus(movement.layer_change()?)?;
    }
    Ok(sum)
}

/// Looks whether items whose value alone differs were adjusted in Xero: the documents of it are among their movements.
async fn look_into<P: Ports>(
    writer: &Writer<'_, P>,
    differences: &mut [Difference],
    last: Option<Proof>,
) -> Result<(), AppError> {
    let last = last.map(|proof| proof.differences).unwrap_or_default();
    let mut looked_into = 0;
    for difference in differences {
        let Subject::Item(item) = difference.of else { continue };
        if difference.cause != LikelyCause::ValuedOtherwise {
            continue;
        }
        let before = last.iter().find(|known| known.of == difference.of && known.value == difference.value);
        if let Some(before) = before.filter(|before| before.quantity.is_zero()) {
            difference.cause = before.cause;
        } else if looked_into < LOOKED_INTO_MAX {
            looked_into += 1;
            if is_adjusted(writer, item).await? {
                difference.cause = LikelyCause::AdjustedInXero;
            }
        }
    }
    Ok(())
}

/// Whether a document that adjusts stock has moved an item.
async fn is_adjusted<P: Ports>(writer: &Writer<'_, P>, item: ItemId) -> Result<bool, AppError> {
    let store = writer.ports().store();
    let movements = load::movements(store, writer.org(), item, None).await?;
    let of = |cause| match cause {
        Cause::Document { of, .. } => Some(of),
        Cause::Opening | Cause::Count | Cause::LandedCost { .. } | Cause::Adjustment { .. } => None,
    };
    let may_adjust = |of: &DocumentRef| matches!(of.kind, DocumentKind::Bill | DocumentKind::SupplierCredit);
    let documents: BTreeSet<DocumentRef> =
        movements.iter().filter_map(|movement| of(movement.key.cause)).filter(may_adjust).collect();
    let documents: Vec<Key> = documents.into_iter().map(Key::Document).collect();
    for keys in documents.chunks(ROWS_PER_READ) {
        let headers = load::many::<DocumentRecord>(store, writer.owner(), keys).await?;
        // our own adjustments are booked as Xero counts them
        let is_theirs =
            |header: &DocumentRecord| header.contact_name == ADJUSTMENTS_CONTACT && header.effect.is_none();
        if headers.iter().flatten().any(|header| is_theirs(&header.content)) {
            return Ok(true);
        }
    }
    Ok(false)
}
