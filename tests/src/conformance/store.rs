//! What every store must do: conditions by version, all or nothing, lists in the order of keys.

use std::sync::atomic::{AtomicU32, Ordering};

use jiff::civil::date;
use parstock_app::ports::{COMMIT_WRITES_MAX, Commit, CommitError, Expect, Store, Write};
use parstock_app::records::{Key, List, MoreLines, Owner, Record, Touched};
use parstock_domain::document::{DocumentKind, DocumentRef};
use parstock_domain::ids::{CommitId, DocumentId, ItemId, OrgId};
use parstock_domain::ledger::Cause;
use uuid::Uuid;

use super::samples;

const ORG: Owner = Owner::Org(OrgId(Uuid::from_u128(1)));
const OTHER_ORG: Owner = Owner::Org(OrgId(Uuid::from_u128(2)));

/// Runs the suite; `make` answers an empty store each time.
///
/// # Panics
/// When a promise is broken.
pub async fn store<S: Store>(make: impl AsyncFn() -> S) {
    rows_read_back(&make().await).await;
    versions_count_and_conditions_hold(&make().await).await;
    a_commit_is_all_or_nothing(&make().await).await;
    a_repeated_commit_has_no_second_effect(&make().await).await;
    limits_are_refused(&make().await).await;
    derived_rows_are_written_in_any_number(&make().await).await;
    lists_come_in_the_order_of_keys(&make().await).await;
    owners_are_apart(&make().await).await;
    racing_writers_lose_nothing(&make().await).await;
}

fn mark(n: u128) -> (Key, Record) {
    let touched = Touched { at: samples::instant(), items: vec![ItemId(Uuid::from_u128(n))] };
    (Key::Touched(Uuid::from_u128(n)), Record::Touched(touched))
}

/// Other content for a mark.
fn content(n: u128) -> Record {
    mark(n).1
}

fn write((key, record): (Key, Record), expect: Expect) -> Write {
    Write { key, record: Some(record), expect }
}

fn commit(n: u128, writes: Vec<Write>) -> Commit {
    Commit { id: CommitId(Uuid::from_u128(n)), writes }
}

/// Content and version of each key.
async fn read(store: &impl Store, owner: Owner, keys: &[Key]) -> Vec<Option<(Record, u64)>> {
    let rows = store.get(owner, keys).await.unwrap();
    assert_eq!(rows.len(), keys.len());
    for (row, key) in rows.iter().zip(keys) {
        assert!(row.as_ref().is_none_or(|row| row.key == *key), "rows come in the order of their keys");
    }
    rows.into_iter().map(|row| row.map(|row| (row.record, row.version))).collect()
}

async fn rows_read_back(store: &impl Store) {
    let rows = samples::rows();
    let writes = rows.iter().cloned().map(|row| write(row, Expect::Absent)).collect();
    store.commit(ORG, commit(1, writes)).await.unwrap();
    let keys: Vec<Key> = rows.iter().map(|(key, _)| key.clone()).rev().collect();
    let found = read(store, ORG, &keys).await;
    for ((key, record), found) in rows.iter().rev().zip(found) {
        assert_eq!(found, Some((record.clone(), 1)), "{key:?} reads back as it was written");
    }
    assert_eq!(read(store, ORG, &[]).await, []);
    // more than one batch of reads, with gaps
    let (there, _) = rows.first().unwrap();
    let many: Vec<Key> =
        (0..250).map(|n| if n % 100 == 99 { there.clone() } else { mark(1_000 + n).0 }).collect();
    let distinct: Vec<Key> = many.iter().take(100).cloned().collect();
    assert_eq!(read(store, ORG, &distinct).await.iter().filter(|row| row.is_some()).count(), 1);
    let gaps: Vec<Key> = (0..249).map(|n| mark(1_000 + n).0).chain([there.clone()]).collect();
    let found = read(store, ORG, &gaps).await;
    assert!(found.iter().take(249).all(Option::is_none) && found.last().is_some_and(Option::is_some));
}

async fn versions_count_and_conditions_hold(store: &impl Store) {
    let (key, first) = mark(1);
    let keys = [key.clone()];
    let one = |n, record: Record, expect| commit(n, vec![write((key.clone(), record), expect)]);
    let refused = |answer: Result<(), CommitError>| match answer {
        Err(CommitError::Conflict { keys }) => assert!(keys.is_empty() || keys == [key.clone()], "{keys:?}"),
        other => panic!("a conflict was due, not {other:?}"),
    };
    refused(store.commit(ORG, one(1, first.clone(), Expect::Version(1))).await);
    assert_eq!(read(store, ORG, &keys).await, [None]);
    store.commit(ORG, one(2, first.clone(), Expect::Absent)).await.unwrap();
    assert_eq!(read(store, ORG, &keys).await, [Some((first.clone(), 1))]);
    refused(store.commit(ORG, one(3, content(3), Expect::Absent)).await);
    refused(store.commit(ORG, one(4, content(4), Expect::Version(2))).await);
    assert_eq!(read(store, ORG, &keys).await, [Some((first, 1))]);
    store.commit(ORG, one(5, content(5), Expect::Version(1))).await.unwrap();
    store.commit(ORG, one(6, content(6), Expect::Version(2))).await.unwrap();
    assert_eq!(read(store, ORG, &keys).await, [Some((content(6), 3))]);
    let gone = |n, expect| commit(n, vec![Write { key: key.clone(), record: None, expect }]);
    refused(store.commit(ORG, gone(7, Expect::Version(2))).await);
    store.commit(ORG, gone(8, Expect::Version(3))).await.unwrap();
    assert_eq!(read(store, ORG, &keys).await, [None]);
    store.commit(ORG, gone(9, Expect::Anything)).await.unwrap();
    store.commit(ORG, one(10, content(10), Expect::Absent)).await.unwrap();
    assert_eq!(read(store, ORG, &keys).await, [Some((content(10), 1))]);
}

async fn a_commit_is_all_or_nothing(store: &impl Store) {
    store
        .commit(ORG, commit(1, vec![write(mark(1), Expect::Absent), write(mark(2), Expect::Absent)]))
        .await
        .unwrap();
    let writes = vec![
        write(mark(3), Expect::Absent),
        write((mark(1).0, content(8)), Expect::Version(1)),
        write((mark(2).0, content(9)), Expect::Version(7)),
        write(mark(4), Expect::Anything),
    ];
    match store.commit(ORG, commit(2, writes)).await {
        Err(CommitError::Conflict { keys }) => assert!(keys.is_empty() || keys == [mark(2).0], "{keys:?}"),
        other => panic!("a conflict was due, not {other:?}"),
    }
    let keys = [mark(1).0, mark(2).0, mark(3).0, mark(4).0];
    assert_eq!(read(store, ORG, &keys).await, [Some((mark(1).1, 1)), Some((mark(2).1, 1)), None, None]);
    let writes = vec![
        write((mark(1).0, content(8)), Expect::Version(1)),
        Write { key: mark(2).0, record: None, expect: Expect::Version(1) },
        write(mark(3), Expect::Absent),
    ];
    store.commit(ORG, commit(3, writes)).await.unwrap();
    assert_eq!(read(store, ORG, &keys).await, [Some((content(8), 2)), None, Some((mark(3).1, 1)), None]);
}

async fn a_repeated_commit_has_no_second_effect(store: &impl Store) {
    let both = commit(1, vec![write(mark(1), Expect::Absent), write(mark(2), Expect::Absent)]);
    store.commit(ORG, both.clone()).await.unwrap();
    store.commit(ORG, both).await.unwrap();
    let keys = [mark(1).0, mark(2).0];
    assert_eq!(read(store, ORG, &keys).await, [Some((mark(1).1, 1)), Some((mark(2).1, 1))]);
    let next = commit(
        2,
        vec![
            write((mark(1).0, content(7)), Expect::Version(1)),
            write((mark(2).0, content(8)), Expect::Version(1)),
        ],
    );
    store.commit(ORG, next.clone()).await.unwrap();
    store.commit(ORG, next).await.unwrap();
    assert_eq!(read(store, ORG, &keys).await, [Some((content(7), 2)), Some((content(8), 2))]);
    // one row alone may answer with a conflict, but is not written again
    let alone = commit(3, vec![write(mark(3), Expect::Absent)]);
    store.commit(ORG, alone.clone()).await.unwrap();
    let again = store.commit(ORG, alone).await;
    assert!(matches!(again, Ok(()) | Err(CommitError::Conflict { .. })), "{again:?}");
    assert_eq!(read(store, ORG, &[mark(3).0]).await, [Some((mark(3).1, 1))]);
}

async fn limits_are_refused(store: &impl Store) {
    let many = |count: usize| (0..count as u128).map(|n| write(mark(n), Expect::Absent)).collect::<Vec<_>>();
    let impossible = |answer: Result<(), CommitError>, what: &str| {
        assert!(matches!(answer, Err(CommitError::Impossible(_))), "{what}: {answer:?}");
    };
    impossible(store.commit(ORG, commit(1, Vec::new())).await, "a commit without writes");
    impossible(
        store.commit(ORG, commit(2, many(COMMIT_WRITES_MAX + 1))).await,
        "a commit of too many writes",
    );
    let twice = vec![
        write(mark(1), Expect::Absent),
        write(mark(2), Expect::Absent),
        write(mark(1), Expect::Anything),
    ];
    impossible(store.commit(ORG, commit(3, twice)).await, "a doubled key");
    let of = DocumentRef { kind: DocumentKind::Bill, id: DocumentId(Uuid::from_u128(1)) };
    let large = Record::DocumentLines(MoreLines { lines: (0..4_000).map(samples::booked_line).collect() });
    let too_large =
        vec![write(mark(1), Expect::Absent), write((Key::DocumentLines(of, 0), large), Expect::Absent)];
    impossible(store.commit(ORG, commit(4, too_large)).await, "a row that is too large");
    assert_eq!(read(store, ORG, &[mark(1).0, mark(2).0]).await, [None, None]);
    store.commit(ORG, commit(5, many(COMMIT_WRITES_MAX))).await.unwrap();
    let keys: Vec<Key> = (0..COMMIT_WRITES_MAX as u128).map(|n| mark(n).0).collect();
    assert!(read(store, ORG, &keys).await.iter().all(Option::is_some));
}

async fn derived_rows_are_written_in_any_number(store: &impl Store) {
    store.write_each(ORG, Vec::new()).await.unwrap();
    store.write_each(ORG, (0..130).map(|n| write(mark(n), Expect::Anything)).collect()).await.unwrap();
    let keys: Vec<Key> = (0..130).map(|n| mark(n).0).collect();
    assert!(read(store, ORG, &keys).await.iter().all(Option::is_some));
    let mut writes = vec![write((mark(0).0, content(500)), Expect::Anything)];
    writes.extend((1..100).map(|n| Write { key: mark(n).0, record: None, expect: Expect::Anything }));
    store.write_each(ORG, writes).await.unwrap();
    let rows = store.get(ORG, &keys).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.is_some()).count(), 31);
    let first = rows.into_iter().next().flatten().unwrap();
    assert_eq!(first.record, content(500));
    // and its version holds for a commit
    let next = commit(1, vec![write((first.key.clone(), content(501)), Expect::Version(first.version))]);
    store.commit(ORG, next).await.unwrap();
    assert_eq!(read(store, ORG, &[first.key]).await, [Some((content(501), first.version + 1))]);
}

async fn lists_come_in_the_order_of_keys(store: &impl Store) {
    let lists = samples::lists();
    let mut id = 0;
    for (_, rows) in lists.values() {
        for chunk in rows.iter().rev().collect::<Vec<_>>().chunks(COMMIT_WRITES_MAX) {
            id += 1;
            let writes = chunk.iter().map(|row| write((*row).clone(), Expect::Absent)).collect();
            store.commit(ORG, commit(id, writes)).await.unwrap();
        }
    }
    // neighbours of the movements that are not of the list
    let cause = Cause::Opening;
    let of_other = samples::movement(ItemId(Uuid::from_u128(78)), date(2026, 5, 4), false, cause, 1, false);
    store.commit(ORG, commit(1_000, vec![write(of_other, Expect::Absent)])).await.unwrap();
    for (name, (list, rows)) in &lists {
        let mut sorted: Vec<Key> = rows.iter().map(|(key, _)| key.clone()).collect();
        sorted.sort();
        for ((sample, _), due) in rows.iter().zip(&sorted) {
            assert_eq!(sample, due, "the samples of {name} are written down in order");
        }
        for limit in [1, 2, 5, 1_000] {
            let found = read_list(store, list, limit).await;
            assert_eq!(
                found.iter().map(|row| &row.0).collect::<Vec<_>>(),
                sorted.iter().collect::<Vec<_>>(),
                "{name}"
            );
            assert_eq!(&found, rows, "{name} in pages of {limit}");
        }
        // after a key that is not there any more
        let (Some((first, _)), Some((second, _))) = (rows.first(), rows.get(1)) else { continue };
        let gone = Write { key: first.clone(), record: None, expect: Expect::Anything };
        store.commit(ORG, commit(id + 1, vec![gone])).await.unwrap();
        id += 1;
        let page = store.list(ORG, list, Some(first), 1).await.unwrap();
        assert_eq!(page.rows.first().map(|row| &row.key), Some(second), "{name} after a key that is gone");
    }
    let empty = store.list(ORG, &List::Proposals, None, 10).await.unwrap();
    assert_eq!((empty.rows.len(), empty.next), (0, None));
}

async fn read_list(store: &impl Store, list: &List, limit: u32) -> Vec<(Key, Record)> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let page = store.list(ORG, list, after.as_ref(), limit).await.unwrap();
        assert!(page.rows.len() <= limit as usize);
        found.extend(page.rows.into_iter().map(|row| (row.key, row.record)));
        match page.next {
            Some(next) => after = Some(next),
            None => return found,
        }
    }
}

async fn owners_are_apart(store: &impl Store) {
    store.commit(ORG, commit(1, vec![write(mark(1), Expect::Absent)])).await.unwrap();
    store.commit(OTHER_ORG, commit(2, vec![write(mark(1), Expect::Absent)])).await.unwrap();
    store.commit(Owner::Stack, commit(3, vec![write(mark(1), Expect::Absent)])).await.unwrap();
    store.commit(ORG, commit(4, vec![write((mark(1).0, content(9)), Expect::Version(1))])).await.unwrap();
    assert_eq!(read(store, ORG, &[mark(1).0]).await, [Some((content(9), 2))]);
    for owner in [OTHER_ORG, Owner::Stack] {
        assert_eq!(read(store, owner, &[mark(1).0]).await, [Some((mark(1).1, 1))]);
        assert_eq!(store.list(owner, &List::Touched, None, 10).await.unwrap().rows.len(), 1);
    }
}

async fn racing_writers_lose_nothing(store: &impl Store) {
    const WRITERS: u128 = 4;
    const ROUNDS: u32 = 5;
    let counter = mark(0).0;
    store.commit(ORG, commit(1, vec![write(mark(0), Expect::Absent)])).await.unwrap();
    let conflicts = AtomicU32::new(0);
    let race = (0..WRITERS).map(|writer| {
        let (counter, conflicts) = (&counter, &conflicts);
        async move {
            let mut done = 0;
            let mut attempt = 0;
            while done < ROUNDS {
                attempt += 1;
                let Some(Some((record, version))) =
                    read(store, ORG, std::slice::from_ref(counter)).await.pop()
                else {
                    panic!("the counter is gone");
                };
                let own = 1_000 + writer * 100 + u128::from(done);
                let writes = vec![
                    write((counter.clone(), record), Expect::Version(version)),
                    write(mark(own), Expect::Absent),
                ];
                match store.commit(ORG, commit(own * 1_000 + attempt, writes)).await {
                    Ok(()) => done += 1,
                    Err(CommitError::Conflict { .. }) => {
                        conflicts.fetch_add(1, Ordering::Relaxed);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    futures::future::join_all(race).await;
    let written = WRITERS as u64 * u64::from(ROUNDS);
    let version = read(store, ORG, &[counter]).await.pop().flatten().map(|(_, version)| version);
    assert_eq!(version, Some(1 + written), "each success is one version, after {conflicts:?} conflicts");
    assert_eq!(store.list(ORG, &List::Touched, None, 1_000).await.unwrap().rows.len() as u64, 1 + written);
}
