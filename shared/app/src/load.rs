//! Typed reading and writing of single rows.

use jiff::civil::Date;
use parstock_domain::ids::{ItemId, OrgId};
use parstock_domain::ledger::{Movement, MovementKey, OrderLine};

use crate::error::AppError;
use crate::ports::{Expect, Row, Store, Write};
use crate::records::{Content, Key, List, Owner, Record};

/// The content of a row and the version to name when it is written again.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned<T> {
    /// The content; a default or new value when the row does not exist.
    pub content: T,
    /// What must hold of the row when it is written.
    pub expect: Expect,
}

impl<T: Content> Versioned<T> {
    /// A row that does not exist yet.
    pub const fn new(content: T) -> Self {
        Self { content, expect: Expect::Absent }
    }

    /// The write that stores the content under `key`.
    pub fn write(self, key: Key) -> Write {
        Write { key, record: Some(self.content.into_record()), expect: self.expect }
    }

    fn from_row(row: Row) -> Result<Self, AppError> {
        let expect = Expect::Version(row.version);
        let key = row.key;
        match T::from_record(row.record) {
            Some(content) => Ok(Self { content, expect }),
            None => Err(AppError::Bug(format!("the row {key:?} holds another kind of record"))),
        }
    }
}

/// A write that no condition guards: a derived row or a mark.
pub fn unguarded<T: Content>(key: Key, content: T) -> Write {
    Write { key, record: Some(content.into_record()), expect: Expect::Anything }
}

/// A deletion that no condition guards.
pub const fn removal(key: Key) -> Write {
    Write { key, record: None, expect: Expect::Anything }
}

/// The content of a row of one kind.
///
/// # Errors
/// When the row holds another kind of record.
pub fn decode_row<T: Content>(row: Option<Row>) -> Result<Option<Versioned<T>>, AppError> {
    row.map(Versioned::from_row).transpose()
}

/// Reads one row.
///
/// # Errors
/// When the store doesn't answer or the row holds another kind of record.
pub async fn one<T: Content>(
    store: &impl Store,
    owner: Owner,
    key: Key,
) -> Result<Option<Versioned<T>>, AppError> {
    let mut rows = many(store, owner, &[key]).await?;
    Ok(rows.pop().flatten())
}

/// Reads rows of one kind, in the order of `keys`.
///
/// # Errors
/// As [`one`].
pub async fn many<T: Content>(
    store: &impl Store,
    owner: Owner,
    keys: &[Key],
) -> Result<Vec<Option<Versioned<T>>>, AppError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let rows = store.get(owner, keys).await?;
    rows.into_iter().map(decode_row).collect()
}

/// Rows that one call asks for when a list is read to its end.
pub const LIST_PAGE: u32 = 500;
/// Rows of a list that a use case holds in memory at once. Lists without a bound of their own are read
/// page by page instead.
pub const LIST_ROWS_MAX: usize = 100_000;

/// An item's movements of a day and all later ones, or all of them, in their order.
///
/// # Errors
/// As [`all`].
pub async fn movements(
    store: &impl Store,
    org: OrgId,
    item: ItemId,
    from: Option<Date>,
) -> Result<Vec<Movement>, AppError> {
    let after = from.and_then(MovementKey::before).map(|key| Key::Movement(item, key));
    let rows = all_after(store, Owner::Org(org), &List::Movements(item), after).await?;
    Ok(rows.into_iter().map(|(_, row)| row.content).collect())
}

/// Hands an item's movements on in portions of whole days, those of a day and later ones or all, `rows` read at a time, until `each` wants
/// no more.
///
/// # Errors
/// As [`one`], and when one day has more than [`LIST_ROWS_MAX`].
pub async fn movements_by_days(
    store: &impl Store,
    org: OrgId,
    item: ItemId,
    from: Option<Date>,
    rows: u32,
    mut each: impl FnMut(Vec<Movement>) -> Result<bool, AppError> + Send,
) -> Result<(), AppError> {
    let list = List::Movements(item);
    let mut after = from.and_then(MovementKey::before).map(|key| Key::Movement(item, key));
    let mut read: Vec<Movement> = Vec::new();
    loop {
        let page = store.list(Owner::Org(org), &list, after.as_ref(), rows).await?;
        for row in page.rows {
            read.extend(decode_row::<Movement>(Some(row))?.map(|row| row.content));
        }
        // the last day may go on
        let last = read.last().map(|movement| movement.key.effective_on).filter(|_| page.next.is_some());
        let whole =
            last.map_or(read.len(), |last| read.partition_point(|movement| movement.key.effective_on < last));
        let begun = read.split_off(whole);
        if begun.len() > LIST_ROWS_MAX {
            return Err(AppError::Bug(format!("a day of {list:?} has more than {LIST_ROWS_MAX} rows")));
        }
        if !each(std::mem::replace(&mut read, begun))? || page.next.is_none() {
            return Ok(());
        }
        after = page.next;
    }
}

/// As [`movements`], and the item's order lines with them.
///
/// # Errors
/// As [`all`].
pub async fn movements_and_order_lines(
    store: &impl Store,
    org: OrgId,
    item: ItemId,
    from: Date,
) -> Result<(Vec<Movement>, Vec<OrderLine>), AppError> {
    let after = MovementKey::before(from).map(|key| Key::Movement(item, key));
    let list = List::MovementsAndOrderLines(item);
    let (mut movements, mut orders) = (Vec::new(), Vec::new());
    for row in rows_after(store, Owner::Org(org), &list, after).await? {
        match row.record {
            Record::Movement(movement) => movements.push(movement),
            Record::OrderLine(order) => orders.push(order),
            _ => return Err(AppError::Bug(format!("the row {:?} holds another kind of record", row.key))),
        }
    }
    Ok((movements, orders))
}

/// Reads a list to its end.
///
/// # Errors
/// As [`one`], and when the list is longer than [`LIST_ROWS_MAX`].
pub async fn all<T: Content>(
    store: &impl Store,
    org: OrgId,
    list: &List,
) -> Result<Vec<(Key, Versioned<T>)>, AppError> {
    decoded(rows_after(store, Owner::Org(org), list, None).await?)
}

/// As [`all`], for any owner.
///
/// # Errors
/// As [`all`].
pub async fn all_of<T: Content>(
    store: &impl Store,
    owner: Owner,
    list: &List,
) -> Result<Vec<(Key, Versioned<T>)>, AppError> {
    decoded(rows_after(store, owner, list, None).await?)
}

/// What follows a key in a list.
///
/// # Errors
/// As [`all`].
pub async fn all_after<T: Content>(
    store: &impl Store,
    owner: Owner,
    list: &List,
    after: Option<Key>,
) -> Result<Vec<(Key, Versioned<T>)>, AppError> {
    decoded(rows_after(store, owner, list, after).await?)
}

fn decoded<T: Content>(rows: Vec<Row>) -> Result<Vec<(Key, Versioned<T>)>, AppError> {
    rows.into_iter().map(|row| Ok((row.key.clone(), Versioned::from_row(row)?))).collect()
}

async fn rows_after(
    store: &impl Store,
    owner: Owner,
    list: &List,
    mut after: Option<Key>,
) -> Result<Vec<Row>, AppError> {
    let mut rows = Vec::new();
    loop {
        let page = store.list(owner, list, after.as_ref(), LIST_PAGE).await?;
        rows.extend(page.rows);
        if rows.len() > LIST_ROWS_MAX {
            return Err(AppError::Bug(format!("the list {list:?} has more than {LIST_ROWS_MAX} rows")));
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(rows),
        }
    }
}
