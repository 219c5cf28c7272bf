//! Effects: what leaves for the outside. Each has an id fixed before the first try, stored in the commit
//! of its decision; an unknown outcome is looked up before acting again.

mod adjustment;
mod alerts;
mod goods_receipt;
mod journal;
mod notice;
mod order;
mod papers;
mod prices;

use jiff::{SignedDuration, Timestamp};
use parstock_domain::document::Document;
use parstock_domain::event::Source;
use parstock_domain::fixed::FixedError;
use parstock_domain::ids::{EffectId, OrgId};

use self::journal::Whose;
use crate::adjustments;
use crate::booking::{self, Codes, Outcome};
use crate::error::AppError;
use crate::landed::{self, Which};
use crate::load::{self, Versioned, removal};
use crate::message::Message;
use crate::ports::{BooksError, Commit, DELAY_SECONDS_MAX, Expect, Ports, Store, Write};
use crate::receiving;
use crate::records::{Effect, EffectKind, EffectState, Key};
use crate::send::send_in;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

pub(crate) use alerts::{effect_id, may_be_over, plan_effects};
pub use alerts::{forget as forget_told, tell as tell_alerts};

/// What the audit trail says of an order that is in Xero.
pub const ORDER_WRITTEN: &str = "order written";

/// Seconds for which one worker tries an effect; afterwards its outcome is unknown. Longer than any
/// function may run.
const TRYING_SECONDS: i64 = 960;
/// Minutes to wait after the n-th failure without effect.
const RETRY_MINUTES: [i64; 4] = [1, 5, 15, 60];
/// Minutes to wait after every further one.
const RETRY_MINUTES_LAST: i64 = 240;
/// Tries after which a person is asked.
const ATTEMPTS_MAX: u32 = 12;
/// Minutes after which an effect is tried again that waits for a person.
const PERSON_MINUTES: i64 = 15;
/// Seconds after which it is looked up how a try without an answer ended.
const LOOK_UP_SECONDS: u32 = 60;

/// Carries out an effect as far as it can be now. Doing so twice, or by two workers, is harmless.
///
/// # Errors
/// When the store does not answer. A failure of the outside is kept with the effect and tried again.
pub async fn carry_out<P: Ports>(ports: &P, org: OrgId, id: EffectId) -> Result<(), AppError> {
    let mut writer = Writer::open_unleased(ports, org).await?;
    let Some(effect) = load::one::<Effect>(ports.store(), writer.owner(), Key::Effect(id)).await? else {
        return Ok(());
    };
    let now = writer.now();
    let looks_first = match &effect.content.status {
        EffectState::Done { .. } | EffectState::Failed { .. } => return Ok(()),
        EffectState::Due { at, .. } | EffectState::Unknown { at } if *at > now => return Ok(()),
        EffectState::Trying { until } | EffectState::Noting { until, .. } if *until > now => return Ok(()),
        EffectState::Trying { .. } | EffectState::Unknown { .. } => true,
        EffectState::Waiting | EffectState::Due { .. } | EffectState::Noting { .. } => false,
    };
    let noting =
        if let EffectState::Noting { order, .. } = effect.content.status { Some(order) } else { None };
    let until = now.saturating_add(SignedDuration::from_secs(TRYING_SECONDS)).unwrap_or(now);
    let mut attempt = Attempt { id, effect, looks_first };
    // each by itself: together they would not fit on the stack of every thread
    match attempt.effect.content.what.clone() {
        EffectKind::Order { proposal } => {
            match noting {
                None => attempt.begin(&writer, until).await?,
                Some(order) => attempt.become_(&writer, EffectState::Noting { order, until }).await?,
            }
            Box::pin(order::send(&mut writer, attempt, proposal, noting)).await
        }
        EffectKind::Journal { number } => {
            attempt.begin(&writer, until).await?;
            Box::pin(journal::send(&mut writer, attempt, Whose::Cogs(number))).await
        }
        EffectKind::Voucher { number, back, again } => {
            // the ledger comes first; while another worker holds the org, this is tried again
            landed::book(ports, org, number).await?;
            writer.reload_head().await?;
            attempt.begin(&writer, until).await?;
            Box::pin(journal::send(&mut writer, attempt, Whose::Voucher(Which { number, back, again }))).await
        }
        EffectKind::GoodsReceipt { number, back } => {
            receiving::book(ports, org, number).await?;
            writer.reload_head().await?;
            attempt.begin(&writer, until).await?;
            Box::pin(goods_receipt::send(&mut writer, attempt, number, back)).await
        }
        EffectKind::Adjustment { number, again } => {
            // as for vouchers; nothing of one that goes into Xero
            adjustments::book(ports, org, number).await?;
            writer.reload_head().await?;
            attempt.begin(&writer, until).await?;
            Box::pin(adjustment::send(&mut writer, attempt, number, again)).await
        }
        EffectKind::Papers { of, by_person, .. } => {
            attempt.begin(&writer, until).await?;
            Box::pin(papers::read(&mut writer, attempt, of, by_person)).await
        }
        EffectKind::Prices { prices, .. } => {
            attempt.begin(&writer, until).await?;
            Box::pin(prices::send(&mut writer, attempt, &prices)).await
        }
        what => Box::pin(notice::send(&mut writer, attempt, &what, until)).await,
    }
}

/// Why something was not written.
enum Trouble {
    /// Xero did not do it.
    Books(BooksError),
    /// It must not be written as it is.
    Held(String),
    App(AppError),
}

impl From<BooksError> for Trouble {
    fn from(error: BooksError) -> Self {
        Self::Books(error)
    }
}

impl From<AppError> for Trouble {
    fn from(error: AppError) -> Self {
        Self::App(error)
    }
}

impl From<FixedError> for Trouble {
    fn from(error: FixedError) -> Self {
        Self::App(error.into())
    }
}

/// Why an effect is not tried again.
enum GivenUp {
    /// Xero refuses it.
    Refused(String),
    /// It was tried so often; it may have had its effect.
    Exhausted(String),
}

impl GivenUp {
    /// Why, whichever it is.
    fn why(self) -> String {
        match self {
            Self::Refused(why) | Self::Exhausted(why) => why,
        }
    }
}

/// Books a document that we wrote as our own. It is in Xero, so that another worker's commit must not keep it from being known here.
async fn book_ours<P: Ports>(
    writer: &mut Writer<'_, P>,
    document: &Document,
    codes: &Codes,
    effect: EffectId,
) -> Result<Outcome, AppError> {
    let mut tries = Tries::begin(writer.ports());
    loop {
        match booking::book(writer, document, codes, Source::Effect, Some(effect)).await {
            Ok(outcome) => return Ok(outcome),
            Err(error) => {
                tries.next(error)?;
                writer.reload_head().await?;
            }
        }
    }
}

/// One try of an effect.
struct Attempt {
    id: EffectId,
    effect: Versioned<Effect>,
    /// Whether an earlier try may have had its effect.
    looks_first: bool,
}

impl Attempt {
    /// Claims the effect, so that no other worker tries it at the same time.
    async fn begin<P: Ports>(&mut self, writer: &Writer<'_, P>, until: Timestamp) -> Result<(), AppError> {
        self.effect.content.attempts = self.effect.content.attempts.saturating_add(1);
        self.effect.content.needs_person = None;
        self.become_(writer, EffectState::Trying { until }).await
    }

    /// Stores a step between decision and end. It is housekeeping: the commits that change state of the
    /// business carry the audit entries.
    async fn become_<P: Ports>(
        &mut self,
        writer: &Writer<'_, P>,
        status: EffectState,
    ) -> Result<(), AppError> {
        self.effect.content.status = status;
        let write = self.effect.clone().write(Key::Effect(self.id));
        let commit = Commit { id: writer.new_commit(), writes: vec![write] };
        writer.ports().store().commit(writer.owner(), commit).await?;
        if let Expect::Version(version) = self.effect.expect {
            self.effect.expect = Expect::Version(version + 1);
        }
        Ok(())
    }

    /// A try that could not begin is none: neither a limit of Xero nor what waits for a person uses it up.
    const fn uncount(&mut self) {
        self.effect.content.attempts = self.effect.content.attempts.saturating_sub(1);
    }

    /// Xero takes nothing before then.
    async fn not_now<P: Ports>(
        &mut self,
        writer: &Writer<'_, P>,
        until: Timestamp,
        why: String,
    ) -> Result<(), AppError> {
        self.uncount();
        self.later(writer, Some(until), why).await
    }

    /// A person has to act before a try can succeed.
    async fn wait_for_person<P: Ports>(
        &mut self,
        writer: &Writer<'_, P>,
        why: String,
    ) -> Result<(), AppError> {
        tracing::error!(org_id = %writer.org(), id = %self.id, why, "a person has to act");
        self.uncount();
        self.effect.content.needs_person = Some(why.clone());
        let again = writer.now().saturating_add(SignedDuration::from_mins(PERSON_MINUTES)).ok();
        self.later(writer, again, why).await
    }

    /// It is unknown how it ended: it is looked up soon.
    async fn unknown<P: Ports>(&mut self, writer: &Writer<'_, P>) -> Result<(), AppError> {
        let wait = SignedDuration::from_secs(LOOK_UP_SECONDS.into());
        let at = writer.now().saturating_add(wait).unwrap_or(writer.now());
        self.become_(writer, EffectState::Unknown { at }).await?;
        send_in(writer.ports(), self.message(writer), LOOK_UP_SECONDS).await
    }

    const fn message<P: Ports>(&self, writer: &Writer<'_, P>) -> Message {
        Message::Effect { org: writer.org(), effect: self.id }
    }

    /// It failed without effect: due again later. What may have happened at an earlier try stays unknown.
    async fn later<P: Ports>(
        &mut self,
        writer: &Writer<'_, P>,
        at: Option<Timestamp>,
        why: String,
    ) -> Result<(), AppError> {
        let attempts = self.effect.content.attempts;
        let index = usize::try_from(attempts.saturating_sub(1)).unwrap_or(usize::MAX);
        let minutes = RETRY_MINUTES.get(index).copied().unwrap_or(RETRY_MINUTES_LAST);
        let backoff = writer.now().saturating_add(SignedDuration::from_mins(minutes)).unwrap_or(writer.now());
        tracing::warn!(org_id = %writer.org(), id = %self.id, count = attempts, why, "an effect is tried again later");
        let at = at.unwrap_or(backoff);
        // a notice that was surely not sent now may be sent again, and a price may be set again
        let is_looked_up = matches!(
            self.effect.content.what,
            EffectKind::Order { .. }
                | EffectKind::Journal { .. }
                | EffectKind::Voucher { .. }
                | EffectKind::GoodsReceipt { .. }
                | EffectKind::Adjustment { .. }
        );
        let status = match self.looks_first && is_looked_up {
            true => EffectState::Unknown { at },
            false => EffectState::Due { at, why },
        };
        self.become_(writer, status).await?;
        match u32::try_from(at.duration_since(writer.now()).as_secs()) {
            Ok(seconds) if seconds <= DELAY_SECONDS_MAX => {
                send_in(writer.ports(), self.message(writer), seconds).await
            }
            // a sweep finds it
            _ => Ok(()),
        }
    }

    /// Puts off what Xero did not do and may do later; gives back what is to be given up.
    async fn unless_put_off<P: Ports>(
        mut self,
        writer: &Writer<'_, P>,
        error: BooksError,
    ) -> Result<Option<(Self, GivenUp)>, AppError> {
        match error {
            BooksError::NotNow { until, why } => self.not_now(writer, until, why).await?,
            BooksError::NeedsPerson(why) => self.wait_for_person(writer, why).await?,
            BooksError::Retry(why) if !self.is_exhausted() => self.later(writer, None, why).await?,
            BooksError::Unknown(why) if !self.is_exhausted() => {
                tracing::warn!(org_id = %writer.org(), id = %self.id, why, "it is unknown whether it was written");
                self.unknown(writer).await?;
            }
            BooksError::Retry(why) | BooksError::Unknown(why) => {
                let why = format!("tried {} times, last: {why}", self.effect.content.attempts);
                return Ok(Some((self, GivenUp::Exhausted(why))));
            }
            BooksError::Reject(why) => return Ok(Some((self, GivenUp::Refused(why)))),
        }
        Ok(None)
    }

    /// Whether it was tried so often that a person should look.
    const fn is_exhausted(&self) -> bool {
        self.effect.content.attempts >= ATTEMPTS_MAX
    }

    /// Ends it, with what else is to be written in the same commit. The outcome is known, so it has to be
    /// recorded: where another worker moved the audit chain on meanwhile, the same is written behind it. The
    /// effect's own version guards it.
    async fn end<P: Ports>(
        mut self,
        writer: &mut Writer<'_, P>,
        status: EffectState,
        mut writes: Vec<Write>,
        reason: Reason,
    ) -> Result<(), AppError> {
        self.effect.content.status = status;
        writes.push(self.effect.write(Key::Effect(self.id)));
        writes.push(removal(Key::PendingEffect(self.id)));
        let reason = reason.with("effect", self.id);
        let mut tries = Tries::begin(writer.ports());
        loop {
            let id = writer.new_commit();
            match writer.commit(id, writes.clone(), reason.clone()).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tries.next(error)?;
                    tracing::info!(org_id = %writer.org(), id = %self.id, "the end of an effect is written again");
                    writer.reload_head().await?;
                }
            }
        }
    }
}
