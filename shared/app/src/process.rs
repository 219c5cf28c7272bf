//! The processor: batches of the three queues, each record by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use jiff::{SignedDuration, Timestamp};
use parstock_domain::ids::{DocumentId, OrgId};
use uuid::Uuid;

use crate::connect::{self, TenantOf};
use crate::error::{AppError, panic_words};
use crate::figures::{self, Figure, announce};
use crate::message::{Envelope, Hint, Message};
use crate::ports::{Books, Clock, DELAY_SECONDS_MAX, Ports, Queue, QueueName};
use crate::records::HintOf;
use crate::send::send_in;
use crate::{effects, sync};

/// Times a message is received before it goes to the dead-letter queue with its cause. The queue's own
/// redrive policy stands behind it, two receives further.
pub const RECEIVES_MAX: u32 = 5;
/// Seconds after which Xero is asked again when it gave no answer.
const UNREACHABLE_SECONDS: i64 = 120;

/// How long the events queue itself gathers.
const QUEUE_WINDOW: SignedDuration = SignedDuration::from_secs(5);

/// A record of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Received {
    /// The queue's id of this delivery.
    pub id: String,
    /// The message's body.
    pub body: String,
    /// How often it has been received, this time included.
    pub receives: u32,
}

/// A record that is given back to its queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GivenBack {
    /// Its [`Received::id`].
    pub id: String,
    /// What it failed at.
    pub why: String,
}

/// Processes a batch and returns the records to give back to the queue.
///
/// A record that fails, even by a panic, does not take its batch-mates with it. Hints of one org are
/// served together.
pub async fn batch<P: Ports>(ports: &P, queue: QueueName, records: Vec<Received>) -> Vec<GivenBack> {
    let mut due: BTreeMap<OrgId, Due> = BTreeMap::new();
    let mut others: Vec<(Message, Received)> = Vec::new();
    let mut back = Vec::new();
    for record in records {
        match Envelope::from_body(&record.body) {
            Err(error) => {
                settle(ports, queue, &record, Err(AppError::Reject(error.to_string())), &mut back).await
            }
            Ok(envelope) => match envelope.message {
                Message::Hint(hint) => match guarded(org_and_hint(ports, &hint)).await {
                    Ok(Some((whose, of))) => {
                        let (TenantOf::Known(org) | TenantOf::Perhaps(org)) = whose else { continue };
                        let due = due.entry(org).or_default();
                        due.hints.insert(of);
                        due.records.push(record);
                        if matches!(whose, TenantOf::Perhaps(_)) {
                            due.strangers.entry(hint.tenant).or_default().insert(hint.resource);
                        }
                    }
                    // nothing that moves stock
                    Ok(None) => {}
                    Err(error) => settle(ports, queue, &record, Err(error), &mut back).await,
                },
                Message::Sync { org } => {
                    let due = due.entry(org).or_default();
                    due.hints.insert(HintOf::Sync);
                    due.records.push(record);
                }
                Message::Waiting { org } => {
                    let due = due.entry(org).or_default();
                    due.woken = true;
                    due.records.push(record);
                }
                message => others.push((message, record)),
            },
        }
    }
    for (org, Due { hints, woken, records, strangers }) in due {
        let polled = hints.contains(&HintOf::Sync);
        let outcome = guarded(Box::pin(serve(ports, org, hints, woken))).await;
        if polled && let Err(error) = guarded(figures::of_org(ports, org)).await {
            tracing::warn!(org_id = %org, error_kind = error.kind(), why = %error, "how the org stands could not be told");
        }
        if outcome.is_ok() {
            bind(ports, org, strangers).await;
        }
        if let Err(error) = &outcome {
            tracing::warn!(org_id = %org, count = records.len(), error_kind = error.kind(), why = %error, "hints could not be served");
        }
        for record in &records {
            let outcome = match &outcome {
                Ok(()) => Ok(()),
                Err(error) => Err(AppError::Retry(error.to_string())),
            };
            settle(ports, queue, record, outcome, &mut back).await;
        }
    }
    for (message, record) in others {
        let (org, kind, began) = (message.org(), message.code(), ports.clock().now());
        let outcome = guarded(Box::pin(run(ports, message))).await;
        if outcome.is_ok() {
            let org = org.map(tracing::field::display);
            tracing::info!(
                org_id = org,
                kind,
                duration_ms = milliseconds_since(ports, began),
                "a message was served"
            );
        }
        settle(ports, queue, &record, outcome, &mut back).await;
    }
    back
}

/// What a batch asks of one org.
#[derive(Default)]
struct Due {
    hints: BTreeSet<HintOf>,
    /// Whether those that wait are due by now.
    woken: bool,
    records: Vec<Received>,
    /// Documents that tenants named which may be this org's, by tenant.
    strangers: BTreeMap<Uuid, BTreeSet<Uuid>>,
}

/// Binds a tenant whose document was found. Whatever goes wrong, the next webhook tries again.
async fn bind<P: Ports>(ports: &P, org: OrgId, strangers: BTreeMap<Uuid, BTreeSet<Uuid>>) {
    for (tenant, resources) in strangers {
        match guarded(connect::bind(ports, org, tenant, &resources)).await {
            Ok(true) => tracing::info!(org_id = %org, id = %tenant, "a tenant is bound"),
            Ok(false) => {
                tracing::warn!(id = %tenant, "a webhook's tenant is not bound: none of its documents is here");
            }
            Err(error) => {
                tracing::warn!(org_id = %org, id = %tenant, error_kind = error.kind(), why = %error, "a tenant was not bound")
            }
        }
    }
}

/// Turns a panic into an error.
async fn guarded<T>(work: impl Future<Output = Result<T, AppError>>) -> Result<T, AppError> {
    AssertUnwindSafe(work)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(AppError::Bug(panic_words(&*panic))))
}

/// What a webhook's hint is about, and whose; `None` when nothing in our stock can follow from it.
async fn org_and_hint<P: Ports>(ports: &P, hint: &Hint) -> Result<Option<(TenantOf, HintOf)>, AppError> {
    let of = match hint.category.as_str() {
        "INVOICE" => HintOf::Invoice(DocumentId(hint.resource)),
        "CREDITNOTE" => HintOf::CreditNotes,
        // a category that we don't know yet may move stock: look at everything
        other if !matches!(other, "CONTACT" | "SUBSCRIPTION" | "PREPAYMENT" | "OVERPAYMENT") => HintOf::Sync,
        _ => return Ok(None),
    };
    let whose = connect::org_of_tenant(ports, hint.tenant, hint.resource).await?;
    if whose == TenantOf::Nobody {
        tracing::warn!(id = %hint.tenant, "a webhook of a tenant that is none of ours is dropped");
        return Ok(None);
    }
    Ok(Some((whose, of)))
}

/// How long hints of one org gather before they are fetched, if the day's calls would not last otherwise. Forty
/// documents cost as much as one.
async fn gathering<P: Ports>(
    ports: &P,
    org: OrgId,
    hints: &BTreeSet<HintOf>,
) -> Result<Option<SignedDuration>, AppError> {
    // a poll reads everything
    if hints.is_empty() || hints.contains(&HintOf::Sync) {
        return Ok(None);
    }
    let spacing = ports.books().allowance(org).await?.fetch_spacing;
    Ok((spacing > QUEUE_WINDOW).then_some(spacing))
}

/// Serves hints; what can't be served now is recorded as due, which is success for their messages.
async fn serve<P: Ports>(
    ports: &P,
    org: OrgId,
    hints: BTreeSet<HintOf>,
    woken: bool,
) -> Result<(), AppError> {
    // who is woken has gathered
    if !woken && let Some(spacing) = gathering(ports, org, &hints).await? {
        let until = ports.clock().now().saturating_add(spacing).unwrap_or(Timestamp::MAX);
        tracing::info!(org_id = %org, count = hints.len(), "hints gather");
        return sync::wait(ports, org, &hints, until).await;
    }
    let began = ports.clock().now();
    match sync::serve(ports, org, hints.clone()).await {
        Ok(done) => {
            let duration_ms = milliseconds_since(ports, began);
            tracing::info!(org_id = %org, count = done.documents, duration_ms, "synced");
            if done.documents > 0 {
                announce(Figure::DocumentsBooked, u64::from(done.documents));
            }
            Ok(())
        }
        Err(error @ AppError::NotNow { until, .. }) => {
            tracing::info!(org_id = %org, error_kind = error.kind(), why = %error, "hints are recorded as due");
            sync::wait(ports, org, &hints, until).await
        }
        Err(error @ AppError::Unreachable(_)) => {
            tracing::warn!(org_id = %org, error_kind = error.kind(), why = %error, "hints are recorded as due");
            sync::wait(ports, org, &hints, when_xero_may_answer(ports)).await
        }
        Err(AppError::NeedsPerson(what)) => {
            sync::record(ports, org, &hints).await?;
            sync::needs_person(ports, org, &what).await
        }
        Err(error) => Err(error),
    }
}

fn milliseconds_since<P: Ports>(ports: &P, began: Timestamp) -> u64 {
    u64::try_from(ports.clock().now().duration_since(began).as_millis()).unwrap_or(0)
}

/// When to ask again after Xero gave no answer.
fn when_xero_may_answer<P: Ports>(ports: &P) -> Timestamp {
    let now = ports.clock().now();
    now.saturating_add(SignedDuration::from_secs(UNREACHABLE_SECONDS)).unwrap_or(now)
}

async fn run<P: Ports>(ports: &P, message: Message) -> Result<(), AppError> {
    // boxed, each: one is run, and a stack must not hold them all
    let outcome = match message.clone() {
        Message::Hint(_) | Message::Sync { .. } | Message::Waiting { .. } => Ok(()),
        Message::Backfill { org } => match Box::pin(sync::backfill(ports, org)).await {
            // a sync asks for the next step until the history is in
            Err(error @ AppError::NotNow { until, .. }) => {
                tracing::info!(org_id = %org, error_kind = error.kind(), why = %error, "the first load waits");
                return sync::wait(ports, org, &BTreeSet::from([HintOf::Sync]), until).await;
            }
            Err(error @ AppError::Unreachable(_)) => {
                tracing::warn!(org_id = %org, error_kind = error.kind(), why = %error, "the first load waits");
                let until = when_xero_may_answer(ports);
                return sync::wait(ports, org, &BTreeSet::from([HintOf::Sync]), until).await;
            }
            Err(AppError::NeedsPerson(what)) => sync::needs_person(ports, org, &what).await,
            outcome => outcome,
        },
        Message::Plan { org, items } => Box::pin(crate::plan::items(ports, org, &items)).await,
        Message::PlanTouched { org } => Box::pin(crate::plan::touched(ports, org)).await,
        Message::PlanAll { org, day, after } => Box::pin(crate::plan::all(ports, org, day, after)).await,
        Message::Propose { org } => Box::pin(crate::plan::propose(ports, org)).await,
        Message::CheckAudit { org, whole } => crate::audit::check(ports, org, whole).await,
        Message::Reconcile { org } => match Box::pin(crate::reconcile::daily(ports, org)).await {
            // the sweep after the next poll asks again
            Err(error @ (AppError::NotNow { .. } | AppError::Unreachable(_) | AppError::NeedsPerson(_))) => {
                tracing::info!(org_id = %org, error_kind = error.kind(), why = %error, "the daily proof waits");
                return Ok(());
            }
            outcome => outcome,
        },
        Message::Close { org } => Box::pin(crate::closing::step(ports, org)).await,
        Message::Journal { org } => match Box::pin(crate::cogs::daily(ports, org)).await {
            // the sweep after the next poll asks again
            Err(error @ (AppError::NotNow { .. } | AppError::Unreachable(_) | AppError::NeedsPerson(_))) => {
                tracing::info!(org_id = %org, error_kind = error.kind(), why = %error, "journals wait");
                return Ok(());
            }
            outcome => outcome,
        },
        Message::Effect { org, effect } => Box::pin(effects::carry_out(ports, org, effect)).await,
        Message::Alerts { org } => Box::pin(effects::tell_alerts(ports, org)).await,
        Message::Digest { org } => Box::pin(crate::digest::produce(ports, org)).await,
    };
    match outcome {
        // one message for one: whoever delivers it twice does no more than that
        Err(AppError::NotNow { until, .. }) => {
            let seconds = until.duration_since(ports.clock().now()).as_secs();
            let seconds = u32::try_from(seconds).unwrap_or(0).clamp(1, DELAY_SECONDS_MAX);
            send_in(ports, message, seconds).await
        }
        outcome => outcome,
    }
}

/// Acknowledges, gives back or buries a record. A message that may succeed later is given back until it
/// was received [`RECEIVES_MAX`] times; one that never can is buried at once, with its cause.
async fn settle<P: Ports>(
    ports: &P,
    queue: QueueName,
    record: &Received,
    outcome: Result<(), AppError>,
    back: &mut Vec<GivenBack>,
) {
    let Err(error) = outcome else { return };
    announce(Figure::MessagesFailed, 1);
    let hopeless = matches!(error, AppError::Reject(_) | AppError::NeedsPerson(_));
    if !hopeless && record.receives < RECEIVES_MAX {
        tracing::warn!(kind = queue.code(), count = record.receives, error_kind = error.kind(), why = %error, "a message is given back");
        back.push(GivenBack { id: record.id.clone(), why: error.to_string() });
        return;
    }
    match ports.queue().bury(queue, &record.body, &error.to_string()).await {
        Ok(()) => {
            tracing::error!(kind = queue.code(), error_kind = error.kind(), why = %error, "a message went to the dead-letter queue")
        }
        Err(refusal) => {
            tracing::error!(kind = queue.code(), error_kind = error.kind(), why = %refusal, "a message could not be buried and is given back");
            back.push(GivenBack { id: record.id.clone(), why: refusal.to_string() });
        }
    }
}
