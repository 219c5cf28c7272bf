//! What the org's books in Xero ask of a voucher: whether it has a journal, on which accounts and of which day.

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::calendar::OrgClock;
use parstock_domain::cogs::CogsSettings;
use parstock_domain::fixed::FixedError;
use parstock_domain::governance::Phase;
use parstock_domain::landed::{
    Accounts, Draft, RevaluationFate, Stage, Voucher, VoucherJournal, VoucherJournalFate as Fate,
};
use parstock_domain::settings::Policy;

use super::known::Known;
use super::revalue;
use crate::error::AppError;
use crate::load;
use crate::ports::Ports;
use crate::records::Key;
use crate::writer::Writer;

/// How the org keeps its books.
pub(super) struct Books {
    phase: Phase,
    /// How cost of goods sold is journaled and since when, if it is.
    cogs: Option<(CogsSettings, Date)>,
    /// Where adjusted tracked stock goes.
    adjustment_account: Option<String>,
    /// The first day whose books are open, if any are closed.
    open_from: Option<Date>,
    /// Decimals of the books' amounts.
    decimals: u32,
    clock: OrgClock,
}

impl Books {
    /// As they are now.
    pub async fn of<P: Ports>(writer: &Writer<'_, P>) -> Result<Self, AppError> {
        let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
        let policy = policy.map(|row| row.content).unwrap_or_default().org();
        let profile = &writer.profile.content;
        let today = writer.clock().day_of(writer.now());
        let closed = profile.organisation.locked_through().max(profile.closed_through);
        Ok(Self {
            phase: policy.phase,
            adjustment_account: policy.adjustment_account,
            cogs: policy.cogs.zip(profile.cogs_from.filter(|from| *from <= today)),
            decimals: revalue::decimals_of(writer),
            open_from: closed.and_then(|closed| closed.tomorrow().ok()),
            clock: writer.clock().clone(),
        })
    }

    fn day_of(&self, at: Timestamp) -> Date {
        self.clock.day_of(at)
    }

    /// Whether a draft's goods lie on the stock account, where cost of goods sold is journaled: else their cost is held back, and what
    /// lands on them would stay on the stock account.
    pub fn check(&self, known: &Known, draft: &Draft) -> Result<(), AppError> {
        let Some((settings, _)) = &self.cogs else { return Ok(()) };
        for share in draft.shares.iter().filter(|share| !share.tracked) {
            let account = known.received.get(&(share.of, share.line)).map(|there| there.account.as_str());
            if let Some(account) = account.filter(|it| !it.is_empty() && *it != settings.stock_account) {
                return Err(AppError::Reject(format!(
                    "`{}` on {} is coded to account {account}, so its cost of goods sold is held back: code it to the stock account {} first",
                    share.code, share.number, settings.stock_account
                )));
            }
        }
        Ok(())
    }

    /// The accounts of a voucher over goods that Xero tracks, and since when cost of goods sold is journaled.
    ///
    /// # Errors
    /// [`AppError::Reject`] says what has to be set first.
    pub fn accounts(&self) -> Result<(Accounts, Date), AppError> {
        let first = |what: &str| {
            AppError::Reject(format!(
                "the voucher goes over items that Xero tracks, so their stock has to be revalued in Xero: {what} first, or name only items that Xero doesn't track"
            ))
        };
        if self.phase < Phase::Assist {
            return Err(first(
                "set `phase` to `assist`, since parstock writes nothing to Xero in the phase observe",
            ));
        }
        let adjustment = self.adjustment_account.clone().ok_or_else(|| {
            first("set `adjustment_account` to the account over which their value goes (an expense or direct cost)")
        })?;
        let (cogs, since) = self.cogs.as_ref().ok_or_else(|| {
            first("set `cogs`, whose account of cost of goods sold takes what was sold of them (it holds from the day after it was set)")
        })?;
        let (stock, cogs) = (cogs.stock_account.clone(), cogs.cogs_account.clone());
        Ok((Accounts { stock, adjustment, cogs }, *since))
    }

    /// The day of a voucher's revaluation: that of the journal beside it.
    pub fn day(&self, voucher: &Voucher, since: Date) -> Date {
        voucher.day(since, self.open_from)
    }

    /// The day of one that takes another back.
    pub fn day_back(&self, on: Date) -> Date {
        on.max(self.open_from.unwrap_or(on))
    }

    /// The journal beside a voucher's revaluation, or beside the one that takes it back, once that is settled. It has to follow that,
    /// whatever became of cost of goods sold since. Where that began anew, the stock account was made to hold what the ledger says of
    /// goods that Xero doesn't track, so they have no part in it.
    pub fn beside(&self, voucher: &Voucher, back: bool) -> Result<Option<VoucherJournal>, FixedError> {
        let both = if back { &voucher.revaluation_back } else { &voucher.revaluation };
        let Some(revaluation) = both.as_ref().filter(|it| it.fate == RevaluationFate::Settled) else {
            return Ok(None);
        };
        let is_other = |(settings, since): &(CogsSettings, Date)| {
            *since != revaluation.since || settings.stock_account != revaluation.accounts.stock
        };
        let tracked_alone = self.cogs.as_ref().is_some_and(is_other);
        let journal = voucher.journal_beside(back, tracked_alone, self.decimals)?;
        Ok(journal.map(|mut journal| {
            journal.date = journal.date.max(self.open_from.unwrap_or(journal.date));
            self.planned(journal)
        }))
    }

    /// The journal of a voucher, where cost of goods sold is journaled.
    pub fn journal(&self, voucher: &Voucher) -> Result<Option<VoucherJournal>, FixedError> {
        if voucher.revaluation.is_some() {
            return self.beside(voucher, false);
        }
        let Some((settings, since)) = &self.cogs else { return Ok(None) };
        let journal = voucher.journal_of(&settings.stock_account, *since, self.open_from)?;
        Ok(journal.map(|journal| self.planned(journal)))
    }

    fn planned(&self, mut journal: VoucherJournal) -> VoucherJournal {
        if self.phase >= Phase::Assist {
            journal.fate = Fate::Planned;
        }
        journal
    }

    /// What becomes of a voucher's journal when it is taken back: one that was never written is dropped, against one that was, or may
    /// be, another one is written. So it is of a voucher from before cost of goods sold was journaled: the stock account was made to
    /// hold what the ledger said, the voucher included.
    pub fn take_back(&self, voucher: &mut Voucher) -> Result<(), FixedError> {
        if voucher.revaluation.is_some() {
            // the journal beside what takes it back holds both where its own does not stand
            voucher.journal.take_if(|own| matches!(own.fate, Fate::Due { .. } | Fate::Gone { .. }));
            voucher.journal_back = self.beside(voucher, true)?;
            return Ok(());
        }
        let since = self.cogs.as_ref().map(|(_, since)| *since);
        let is_due = |journal: &VoucherJournal| matches!(journal.fate, Fate::Due { .. });
        let unwritten = voucher.journal.take_if(|journal| is_due(journal));
        let against = match &voucher.journal {
            Some(journal) if matches!(journal.fate, Fate::Gone { .. }) => None,
            Some(journal) => Some(journal.against(self.open_from)?),
            None => {
                let made_since = unwritten.map(|journal| journal.since);
                let is_older = since.is_some_and(|since| match made_since {
                    Some(made) => made != since,
                    None => voucher.number.on < since,
                });
                let journal = if is_older { self.journal(voucher)? } else { None };
                journal.map(|journal| journal.against(self.open_from)).transpose()?
            }
        };
        voucher.journal_back = against.map(|against| self.planned(against));
        Ok(())
    }

    /// A voucher whose journals could not be written before, with those that can be now; `None` when nothing changes. One that was
    /// decided before cost of goods sold began anew is dropped: whoever began anew made the stock account hold what the ledger says.
    pub fn decided_anew(&self, voucher: &Voucher) -> Result<Option<Voucher>, FixedError> {
        let since = self.cogs.as_ref().map(|(_, since)| *since);
        if self.phase < Phase::Assist || since.is_none() && !is_all_tracked(voucher) {
            return Ok(None);
        }
        let is_revalued = voucher.revaluation.is_some();
        let mut next = voucher.clone();
        let is_due = |journal: &Option<VoucherJournal>| {
            journal.as_ref().is_some_and(|journal| matches!(journal.fate, Fate::Due { .. }))
        };
        let is_old = |journal: &Option<VoucherJournal>| {
            is_due(journal) && journal.as_ref().is_some_and(|journal| Some(journal.since) != since)
        };
        let is_back = matches!(next.stage, Stage::TakingBack | Stage::TakenBack);
        if is_back && is_due(&next.journal) && (next.journal_back.is_none() || is_due(&next.journal_back)) {
            // neither was ever written
            next.journal = None;
            let again = next.journal_back.as_ref().map_or(0, |journal| journal.again);
            // what a revaluation left on the account of adjustments is in both together
            next.journal_back =
                self.beside(&next, true)?.map(|it| VoucherJournal { again: again.saturating_add(1), ..it });
        }
        // what is beside a revaluation has to follow it, whatever began anew
        if is_old(&next.journal) && !is_revalued {
            next.journal = None;
        }
        // what was taken back before cost of goods sold began anew was not on the stock account
        let taken_back = next.taken_back.as_ref().map(|taken| self.day_of(taken.at));
        if is_due(&next.journal_back) && !is_revalued && taken_back.is_some_and(|on| Some(on) < since) {
            next.journal_back = None;
        }
        if is_due(&next.journal) {
            let again = next.journal.as_ref().map_or(0, |journal| journal.again);
            // by the accounts and days of now
            next.journal = self.journal(voucher)?.map(|journal| VoucherJournal { again, ..journal });
        }
        if is_due(&next.journal_back) {
            let against = next.journal_back.take();
            next.journal_back = against.map(|mut against| {
                against.date = against.date.max(self.open_from.unwrap_or(against.date));
                self.planned(against)
            });
        }
        for back in [false, true] {
            let was_due = voucher.journal(back).is_some_and(|it| matches!(it.fate, Fate::Due { .. }));
            if let Some(journal) = next.journal_mut(back).filter(|it| was_due && it.fate == Fate::Planned) {
                journal.again = journal.again.saturating_add(1);
            }
        }
        Ok((next != *voucher).then_some(next))
    }

    /// Why a voucher's journal must not be written now; `None` if it may.
    pub fn why_not(&self, voucher: &Voucher, journal: &VoucherJournal, back: bool) -> Option<String> {
        if self.phase < Phase::Assist {
            return Some("the phase is observe now, which writes nothing to Xero".to_owned());
        }
        // beside a revaluation goods that Xero doesn't track may have no part
        let accounts = voucher.revaluation.as_ref().map(|it| it.accounts.stock.as_str());
        let stock = accounts.unwrap_or_else(|| journal.stock_account());
        let is_same = journal.tracked_alone
            || is_all_tracked(voucher)
            || self
                .cogs
                .as_ref()
                .is_some_and(|(settings, since)| *since == journal.since && settings.stock_account == stock);
        // what was written is taken back on the account on which it stands
        (!is_same && !back)
            .then(|| "the setting `cogs` names another stock account now or none, or began anew".to_owned())
    }
}

/// Whether a voucher goes over nothing of which the ledger is the book.
fn is_all_tracked(voucher: &Voucher) -> bool {
    voucher.draft.shares.iter().all(|share| share.tracked)
}
