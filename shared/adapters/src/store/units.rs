//! What reads and writes cost, by kind of row, in DynamoDB's units: a write unit per started KB (two
//! inside a commit of several rows), a read unit per started 4 KB (strongly consistent).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of a write unit.
const WRITE_UNIT_BYTES: usize = 1024;
/// Bytes of a strongly consistent read unit.
const READ_UNIT_BYTES: usize = 4096;

/// Rows and the units that they cost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    /// How many rows.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Their units.
    pub units: u64,
}

/// Costs by kind of row.
pub type Costs = BTreeMap<&'static str, Cost>;

/// The units of all kinds together.
pub fn total(costs: &Costs) -> u64 {
    costs.values().fold(0, |sum, cost| sum.saturating_add(cost.units))
}

/// Adds the write of a row. A deleted row counts as one started KB, since only DynamoDB knows its size;
/// for the same reason a row that shrinks counts with its new size.
pub(super) fn add_write(costs: &mut Costs, kind: &'static str, bytes: usize, together: bool) {
    let factor = if together { 2 } else { 1 };
    add(costs, kind, 1, bytes, bytes.div_ceil(WRITE_UNIT_BYTES).max(1).saturating_mul(factor));
}

/// Adds the read of a row; a row that isn't there costs a unit.
pub(super) fn add_read(costs: &mut Costs, kind: &'static str, bytes: usize) {
    add(costs, kind, 1, bytes, bytes.div_ceil(READ_UNIT_BYTES).max(1));
}

/// Adds a page of a list, whose rows are summed before they are rounded up.
pub(super) fn add_page(costs: &mut Costs, kind: &'static str, rows: usize, bytes: usize) {
    add(costs, kind, rows, bytes, bytes.div_ceil(READ_UNIT_BYTES).max(1));
}

fn add(costs: &mut Costs, kind: &'static str, rows: usize, bytes: usize, units: usize) {
    let wide = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let sum = costs.entry(kind).or_default();
    sum.rows = sum.rows.saturating_add(wide(rows));
    sum.bytes = sum.bytes.saturating_add(wide(bytes));
    sum.units = sum.units.saturating_add(wide(units));
}

/// Counts what a store reads and writes.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    read: Arc<Mutex<Costs>>,
    written: Arc<Mutex<Costs>>,
}

impl Meter {
    /// What was read since the beginning.
    pub fn read(&self) -> Costs {
        lock(&self.read).clone()
    }

    /// What was written since the beginning.
    pub fn written(&self) -> Costs {
        lock(&self.written).clone()
    }

    pub(super) fn count_read(&self, add: impl FnOnce(&mut Costs)) {
        add(&mut lock(&self.read));
    }

    pub(super) fn count_written(&self, add: impl FnOnce(&mut Costs)) {
        add(&mut lock(&self.written));
    }
}

/// Counting goes on after a panic elsewhere: a count is at worst one row short.
fn lock(costs: &Mutex<Costs>) -> MutexGuard<'_, Costs> {
    costs.lock().unwrap_or_else(PoisonError::into_inner)
}
