//! What people and trade do to the simulated books while the clock runs.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use parstock_xero_sim::World;
use parstock_xero_sim::act::TimedAct;
use parstock_xero_sim::demo::{DemoCompany, View};
use rusqlite::{OptionalExtension, params};

use crate::error::LocalError;
use crate::notebook::Notebook;

/// A source of acts in the order of time.
pub trait Trade {
    /// When something is next due.
    ///
    /// # Errors
    /// When it can't be read.
    fn next_due(&self, world: &World) -> Result<Option<Timestamp>, LocalError>;

    /// Does what is due at `now`, and answers what was done.
    ///
    /// # Errors
    /// When the simulator or the notebook fails.
    fn perform(&mut self, world: &mut World, now: Timestamp) -> Result<Vec<TimedAct>, LocalError>;
}

/// No trade at all: a live connection, where people act in Xero itself.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoTrade;

impl Trade for NoTrade {
    fn next_due(&self, _: &World) -> Result<Option<Timestamp>, LocalError> {
        Ok(None)
    }
    fn perform(&mut self, _: &mut World, _: Timestamp) -> Result<Vec<TimedAct>, LocalError> {
        Ok(Vec::new())
    }
}

/// When the owner of the demo company looks at purchase orders in Xero.
const EVENING: Time = Time::constant(17, 30, 0, 0);
/// Facts in the notebook: the next day to be laid out, and the next evening.
const NEXT_DAY: &str = "trade.next_day";
const NEXT_EVENING: &str = "trade.next_evening";

/// The demo company's days. The acts of a day are laid out at its beginning and kept in the notebook under
/// the number that the simulator will give them, so that a killed run goes on with the act that is next.
#[derive(Debug)]
pub struct DemoTrade {
    company: DemoCompany,
    notebook: Notebook,
    zone: TimeZone,
}

impl DemoTrade {
    /// Goes on where the notebook stands.
    pub fn new(company: DemoCompany, notebook: Notebook) -> Self {
        let zone = company.time_zone();
        Self { company, notebook, zone }
    }

    fn next_date(&self, fact: &str) -> Result<Date, LocalError> {
        let kept = self.notebook.fact(fact)?.and_then(|text| text.parse().ok());
        Ok(kept.unwrap_or_else(|| self.company.first_trading_day()))
    }

    fn at(&self, day: Date, time: Time) -> Timestamp {
        // the zone's rule for times that a change of the clocks skips or doubles
        self.zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().unwrap_or_default()
    }

    fn next_act(&self, world: &World) -> Result<Option<TimedAct>, LocalError> {
        let number = i64::try_from(world.acts_applied()).unwrap_or(i64::MAX);
        let connection = self.notebook.connection();
        let mut statement = connection.prepare_cached("SELECT at, body FROM act WHERE seq = ?1")?;
        let row: Option<(i64, String)> =
            statement.query_row([number], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((at, body)) = row else { return Ok(None) };
        let at = Timestamp::from_millisecond(at).map_err(LocalError::outside)?;
        Ok(Some(TimedAct { at, act: serde_json::from_str(&body)? }))
    }

    /// Keeps `new` among the acts that are still to come, and that `fact` has moved on to `next`.
    fn lay_out(&self, world: &World, new: Vec<TimedAct>, fact: &str, next: Date) -> Result<(), LocalError> {
        let applied = i64::try_from(world.acts_applied()).unwrap_or(i64::MAX);
        let mut connection = self.notebook.connection();
        let commit = connection.transaction()?;
        let mut acts: Vec<(i64, String)> = Vec::new();
        {
            let mut statement =
                commit.prepare_cached("SELECT at, body FROM act WHERE seq >= ?1 ORDER BY seq")?;
            let rows = statement.query_map([applied], |row| Ok((row.get(0)?, row.get(1)?)))?;
            acts.extend(rows.collect::<rusqlite::Result<Vec<_>>>()?);
            for timed in new {
                acts.push((timed.at.as_millisecond(), serde_json::to_string(&timed.act)?));
            }
            acts.sort_by_key(|(at, _)| *at);
            commit.execute("DELETE FROM act", [])?;
            let mut insert = commit.prepare_cached("INSERT INTO act VALUES (?1, ?2, ?3)")?;
            for (number, (at, body)) in (applied..).zip(&acts) {
                insert.execute(params![number, at, body])?;
            }
            commit.execute("INSERT OR REPLACE INTO fact VALUES (?1, ?2)", params![fact, next.to_string()])?;
        }
        commit.commit()?;
        Ok(())
    }

    /// Leaves out an act that Xero refuses; those behind it move up.
    fn leave_out(&self, world: &World) -> Result<(), LocalError> {
        let number = i64::try_from(world.acts_applied()).unwrap_or(i64::MAX);
        let mut connection = self.notebook.connection();
        let commit = connection.transaction()?;
        commit.execute("DELETE FROM act WHERE seq <= ?1", [number])?;
        // in two steps, since no two rows may have one number even for a moment
        commit.execute("UPDATE act SET seq = -seq WHERE seq > ?1", [number])?;
        commit.execute("UPDATE act SET seq = -seq - 1 WHERE seq < 0", [])?;
        commit.commit()?;
        Ok(())
    }
}

impl Trade for DemoTrade {
    fn next_due(&self, world: &World) -> Result<Option<Timestamp>, LocalError> {
        let day = self.at(self.next_date(NEXT_DAY)?, Time::midnight());
        let evening = self.at(self.next_date(NEXT_EVENING)?, EVENING);
        let act = self.next_act(world)?.map(|timed| timed.at);
        Ok([Some(day), Some(evening), act].into_iter().flatten().min())
    }

    fn perform(&mut self, world: &mut World, now: Timestamp) -> Result<Vec<TimedAct>, LocalError> {
        let mut done = Vec::new();
        while let Some(timed) = self.next_act(world)?.filter(|timed| timed.at <= now) {
            match world.apply(now, &timed.act) {
                Ok(_) => done.push(timed),
                Err(parstock_xero_sim::XeroError::Store(error)) => return Err(LocalError::outside(error)),
                Err(error) => {
                    tracing::info!(%error, "the simulated Xero refused an act of trade, which is left out");
                    self.leave_out(world)?;
                }
            }
        }
        let day = self.next_date(NEXT_DAY)?;
        if self.at(day, Time::midnight()) <= now {
            let view = View::of(&self.company, world.documents());
            let next = day.saturating_add(1.day());
            self.lay_out(world, self.company.trade(day, &view), NEXT_DAY, next)?;
        }
        let evening = self.next_date(NEXT_EVENING)?;
        if self.at(evening, EVENING) <= now {
            let view = View::of(&self.company, world.documents());
            let next = evening.saturating_add(1.day());
            self.lay_out(world, self.company.evening(evening, &view), NEXT_EVENING, next)?;
        }
        Ok(done)
    }
}
