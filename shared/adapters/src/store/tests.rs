//! What the store promises, on the embedded table.
#![expect(clippy::disallowed_methods, reason = "each commit of a test is a new one")]

use std::collections::BTreeSet;

use aws_sdk_dynamodb::types::AttributeValue;
use jiff::Timestamp;
use parstock_app::ports::{Commit, CommitError, Expect, Store, Write};
use parstock_app::records::{
    ContactRecord, Cursor, HintOf, Key, Lease, List, Mark, Owner, Pointer, Record, WaitingHint,
};
use parstock_domain::audit::{Hash, Head};
use parstock_domain::ids::{CommitId, ContactId, EffectId, LocationId, OrgId};
use parstock_domain::ledger::Position;
use uuid::Uuid;

use super::dynamo::{ROW_BYTES_MAX, write_units};
use super::sale::{self, OWNER, id, item};
use super::units::{self, Cost, Meter};
use super::{DynamoStore, embedded, keys, row};

fn head(seq: u64) -> Record {
    Record::AuditHead(Head { seq, hash: Hash::of(&seq.to_be_bytes()) })
}

fn name(text: &str) -> Record {
    Record::Contact(ContactRecord { name: text.to_owned(), archived: false, merged_into: None })
}

fn contact(number: u64) -> Key {
    Key::Contact(ContactId(id(7, number)))
}

fn put(key: Key, record: Record, expect: Expect) -> Write {
    Write { key, record: Some(record), expect }
}

fn delete(key: Key, expect: Expect) -> Write {
    Write { key, record: None, expect }
}

fn commit(writes: Vec<Write>) -> Commit {
    Commit { id: CommitId(Uuid::new_v4()), writes }
}

async fn read(store: &DynamoStore, key: &Key) -> Option<(Record, u64)> {
    let rows = store.get(OWNER, std::slice::from_ref(key)).await.unwrap();
    rows.into_iter().next().unwrap().map(|row| (row.record, row.version))
}

/// Both ways of writing: alone and together with another row.
fn alone_and_together(write: &Write) -> [Commit; 2] {
    let mark =
        put(Key::PendingEffect(EffectId(Uuid::new_v4())), Record::PendingEffect(Mark {}), Expect::Absent);
    [commit(vec![write.clone()]), commit(vec![mark, write.clone()])]
}

#[tokio::test]
async fn a_row_that_must_be_absent_is_written_once() {
    let store = embedded::in_memory().unwrap();
    for (number, first) in [(1, 0), (2, 1)] {
        let key = contact(number);
        let write = put(key.clone(), name("first"), Expect::Absent);
        store.commit(OWNER, alone_and_together(&write)[first].clone()).await.unwrap();
        assert_eq!(read(&store, &key).await, Some((name("first"), 1)));
        for again in alone_and_together(&put(key.clone(), name("second"), Expect::Absent)) {
            assert_eq!(
                store.commit(OWNER, again).await,
                Err(CommitError::Conflict { keys: vec![key.clone()] })
            );
        }
        assert_eq!(read(&store, &key).await, Some((name("first"), 1)));
    }
}

#[tokio::test]
async fn a_version_counts_up_and_a_stale_one_conflicts() {
    let store = embedded::in_memory().unwrap();
    store.commit(OWNER, commit(vec![put(Key::AuditHead, head(1), Expect::Absent)])).await.unwrap();
    let mut version = 1;
    for round in 0..2 {
        let write = put(Key::AuditHead, head(version + 1), Expect::Version(version));
        store.commit(OWNER, alone_and_together(&write)[round].clone()).await.unwrap();
        version += 1;
        assert_eq!(read(&store, &Key::AuditHead).await, Some((head(version), version)));
    }
    for stale in [1, 2, 4] {
        for refused in alone_and_together(&put(Key::AuditHead, head(9), Expect::Version(stale))) {
            let conflict = CommitError::Conflict { keys: vec![Key::AuditHead] };
            assert_eq!(store.commit(OWNER, refused).await, Err(conflict));
        }
    }
    let gone = put(contact(1), name("x"), Expect::Version(1));
    for refused in alone_and_together(&gone) {
        assert_eq!(store.commit(OWNER, refused).await, Err(CommitError::Conflict { keys: vec![contact(1)] }));
    }
}

#[tokio::test]
async fn a_conflict_names_its_rows_and_nothing_is_written() {
    let store = embedded::in_memory().unwrap();
    store.commit(OWNER, commit(vec![put(contact(1), name("one"), Expect::Absent)])).await.unwrap();
    let writes = vec![
        put(contact(1), name("uno"), Expect::Absent),
        put(contact(2), name("two"), Expect::Absent),
        put(Key::AuditHead, head(1), Expect::Version(3)),
    ];
    let conflict = CommitError::Conflict { keys: vec![contact(1), Key::AuditHead] };
    assert_eq!(store.commit(OWNER, commit(writes)).await, Err(conflict));
    let rows = store.get(OWNER, &[contact(2), Key::AuditHead, contact(1)]).await.unwrap();
    assert_eq!(rows.iter().flatten().map(|row| &row.record).collect::<Vec<_>>(), [&name("one")]);
}

#[tokio::test]
async fn a_write_that_expects_nothing_is_seen_by_those_who_read_before() {
    let store = embedded::in_memory().unwrap();
    store.commit(OWNER, commit(vec![put(contact(1), name("a"), Expect::Absent)])).await.unwrap();
    let mut seen = BTreeSet::from([1]);
    for commit in alone_and_together(&put(contact(1), name("b"), Expect::Anything)) {
        store.commit(OWNER, commit).await.unwrap();
        assert!(seen.insert(read(&store, &contact(1)).await.unwrap().1));
    }
    store.write_each(OWNER, vec![put(contact(1), name("c"), Expect::Anything)]).await.unwrap();
    let (record, version) = read(&store, &contact(1)).await.unwrap();
    assert_eq!(record, name("c"));
    assert!(seen.insert(version));
    for stale in seen.into_iter().filter(|stale| *stale != version) {
        let late = commit(vec![put(contact(1), name("late"), Expect::Version(stale))]);
        assert!(matches!(store.commit(OWNER, late).await, Err(CommitError::Conflict { .. })));
    }
    store.commit(OWNER, commit(vec![put(contact(1), name("d"), Expect::Version(version))])).await.unwrap();
    assert_eq!(read(&store, &contact(1)).await, Some((name("d"), version + 1)));
}

#[tokio::test]
async fn deletions_follow_the_same_conditions() {
    let store = embedded::in_memory().unwrap();
    for (number, way) in [(1, 0), (2, 1)] {
        let key = contact(number);
        store.commit(OWNER, commit(vec![put(key.clone(), name("a"), Expect::Absent)])).await.unwrap();
        for refused in alone_and_together(&delete(key.clone(), Expect::Version(2))) {
            assert_eq!(
                store.commit(OWNER, refused).await,
                Err(CommitError::Conflict { keys: vec![key.clone()] })
            );
        }
        store
            .commit(OWNER, alone_and_together(&delete(key.clone(), Expect::Version(1)))[way].clone())
            .await
            .unwrap();
        assert_eq!(read(&store, &key).await, None);
        // what isn't there can be deleted by who expects nothing
        store.commit(OWNER, alone_and_together(&delete(key, Expect::Anything))[way].clone()).await.unwrap();
    }
}

#[tokio::test]
async fn the_same_commit_again_has_no_second_effect() {
    let store = embedded::in_memory().unwrap();
    let commits = [
        commit(vec![put(contact(1), name("alone"), Expect::Absent)]),
        commit(vec![
            put(contact(2), name("a"), Expect::Absent),
            put(contact(3), name("b"), Expect::Anything),
        ]),
        commit(vec![put(contact(1), name("alone"), Expect::Version(1))]),
        commit(vec![delete(contact(2), Expect::Version(1))]),
    ];
    for commit in commits {
        store.commit(OWNER, commit.clone()).await.unwrap();
        let keys = [contact(1), contact(2), contact(3)];
        let after = store.get(OWNER, &keys).await.unwrap();
        store.commit(OWNER, commit.clone()).await.unwrap();
        assert_eq!(store.get(OWNER, &keys).await.unwrap(), after, "{commit:?}");
    }
}

#[tokio::test]
async fn a_repeated_put_that_somebody_followed_is_a_conflict() {
    let store = embedded::in_memory().unwrap();
    let first = commit(vec![put(contact(1), name("a"), Expect::Absent)]);
    store.commit(OWNER, first.clone()).await.unwrap();
    store.commit(OWNER, commit(vec![put(contact(1), name("b"), Expect::Version(1))])).await.unwrap();
    assert_eq!(store.commit(OWNER, first).await, Err(CommitError::Conflict { keys: vec![contact(1)] }));
    assert_eq!(read(&store, &contact(1)).await, Some((name("b"), 2)));
}

#[tokio::test]
async fn one_commit_id_for_other_writes_is_refused() {
    let store = embedded::in_memory().unwrap();
    let first =
        commit(vec![put(contact(1), name("a"), Expect::Absent), put(contact(2), name("b"), Expect::Absent)]);
    store.commit(OWNER, first.clone()).await.unwrap();
    let other = Commit {
        writes: vec![put(contact(3), name("c"), Expect::Absent), put(contact(4), name("d"), Expect::Absent)],
        ..first
    };
    assert!(matches!(store.commit(OWNER, other).await, Err(CommitError::Impossible(_))));
    assert_eq!(read(&store, &contact(3)).await, None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn eight_writers_lose_nothing() {
    const WRITERS: u64 = 8;
    const EACH: u64 = 25;
    let store = embedded::in_memory().unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut conflicts = 0_u32;
                for round in 0..EACH {
                    loop {
                        let seen = read(&store, &Key::AuditHead).await;
                        let (seq, expect) = match seen {
                            Some((Record::AuditHead(head), version)) => (head.seq, Expect::Version(version)),
                            _ => (0, Expect::Absent),
                        };
                        // let the others in between
                        tokio::task::yield_now().await;
                        let writes = vec![
                            put(Key::AuditHead, head(seq + 1), expect),
                            put(contact(writer * EACH + round), name("done"), Expect::Absent),
                        ];
                        match store.commit(OWNER, commit(writes)).await {
                            Ok(()) => break,
                            Err(CommitError::Conflict { keys }) => {
                                assert_eq!(keys, [Key::AuditHead]);
                                conflicts += 1;
                            }
                            Err(other) => panic!("{other}"),
                        }
                    }
                }
                conflicts
            })
        })
        .collect();
    let mut conflicts = 0;
    for writer in writers {
        conflicts += writer.await.unwrap();
    }
    let written = WRITERS * EACH;
    assert_eq!(read(&store, &Key::AuditHead).await, Some((head(written), written)));
    assert_eq!(all(&store, &List::Contacts, 1_000).await.len() as u64, written);
    assert!(conflicts > 0, "the writers never met, so the test shows nothing");
}

async fn all(store: &DynamoStore, list: &List, limit: u32) -> Vec<Key> {
    let (mut keys, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(OWNER, list, after.as_ref(), limit).await.unwrap();
        assert!(page.rows.len() <= limit as usize);
        keys.extend(page.rows.into_iter().map(|row| row.key));
        after = page.next;
        if after.is_none() {
            return keys;
        }
    }
}

#[tokio::test]
async fn lists_come_in_pages_in_the_order_of_keys_and_hold_no_others() {
    let store = embedded::in_memory().unwrap();
    let names = |range: std::ops::Range<u64>| {
        range.map(|number| put(contact(number), name("c"), Expect::Anything)).collect::<Vec<_>>()
    };
    store.write_each(OWNER, names(0..60)).await.unwrap();
    store.write_each(Owner::Org(OrgId(Uuid::from_u128(9))), names(60..70)).await.unwrap();
    store
        .write_each(
            OWNER,
            vec![put(
                Key::ItemCode("CONTACT#1".to_owned()),
                Record::ItemCode(Pointer { to: item(1) }),
                Expect::Anything,
            )],
        )
        .await
        .unwrap();
    let mut expected: Vec<Key> = (0..60).map(contact).collect();
    expected.sort();
    for limit in [1, 7, 60, 1_000] {
        assert_eq!(all(&store, &List::Contacts, limit).await, expected, "in pages of {limit}");
    }
    // after a key that is not there
    let page =
        store.list(OWNER, &List::Contacts, Some(&Key::Contact(ContactId(Uuid::nil()))), 3).await.unwrap();
    assert_eq!(
        page.rows.iter().map(|row| &row.key).collect::<Vec<_>>(),
        expected[..3].iter().collect::<Vec<_>>()
    );
    assert_eq!(page.next.as_ref(), expected.get(2));
    assert!(store.list(OWNER, &List::Contacts, Some(&Key::Profile), 3).await.is_err());
}

#[tokio::test]
async fn rows_come_in_the_order_asked_for_with_doubles_and_gaps() {
    let store = embedded::in_memory().unwrap();
    let writes =
        (0..250).map(|number| put(contact(number), name(&number.to_string()), Expect::Anything)).collect();
    store.write_each(OWNER, writes).await.unwrap();
    let mut wanted: Vec<u64> = (0..250).rev().collect();
    wanted.extend([300, 3, 3]);
    let rows = store.get(OWNER, &wanted.iter().copied().map(contact).collect::<Vec<_>>()).await.unwrap();
    for (number, row) in wanted.into_iter().zip(rows) {
        let expected = (number < 250).then(|| name(&number.to_string()));
        assert_eq!(row.map(|row| row.record), expected);
    }
    assert_eq!(store.get(OWNER, &[]).await.unwrap(), []);
}

#[tokio::test]
async fn of_several_derived_rows_with_one_key_the_last_stays() {
    let store = embedded::in_memory().unwrap();
    let writes = ["a", "b", "c"].map(|text| put(contact(1), name(text), Expect::Anything));
    store.write_each(OWNER, writes.to_vec()).await.unwrap();
    assert_eq!(read(&store, &contact(1)).await.unwrap().0, name("c"));
    let conditional = vec![put(contact(1), name("d"), Expect::Absent)];
    assert!(matches!(store.write_each(OWNER, conditional).await, Err(CommitError::Impossible(_))));
    store.write_each(OWNER, vec![delete(contact(1), Expect::Anything)]).await.unwrap();
    assert_eq!(read(&store, &contact(1)).await, None);
}

#[tokio::test]
async fn what_can_not_be_written_is_refused_before_it_is_sent() {
    let store = embedded::in_memory().unwrap();
    let many =
        |count| (0..count).map(|number| put(contact(number), name("x"), Expect::Absent)).collect::<Vec<_>>();
    let refused = [
        commit(vec![]),
        commit(many(101)),
        commit(vec![put(contact(1), name("x"), Expect::Absent), delete(contact(1), Expect::Anything)]),
        commit(vec![put(contact(1), name(&"x".repeat(ROW_BYTES_MAX)), Expect::Absent)]),
        commit(vec![put(
            Key::ItemCode("x".repeat(1_020)),
            Record::ItemCode(Pointer { to: item(1) }),
            Expect::Absent,
        )]),
        commit((0..11).map(|n| put(contact(n), name(&"x".repeat(399_000)), Expect::Absent)).collect()),
    ];
    for commit in refused {
        assert!(matches!(store.commit(OWNER, commit).await, Err(CommitError::Impossible(_))));
    }
    store.commit(OWNER, commit(many(100))).await.unwrap();
    assert_eq!(all(&store, &List::Contacts, 1_000).await.len(), 100);
}

#[tokio::test]
async fn a_file_opened_again_holds_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("state.db");
    let codes = ["#", "A#B", "ÄÖ/✓", " ", "'; DROP TABLE", "", "\u{0}"];
    {
        let store = embedded::open(&path).unwrap();
        store.commit(OWNER, sale::commit(1, 10, None)).await.unwrap();
        let pointers = codes.map(|code| {
            put(Key::ItemCode(code.to_owned()), Record::ItemCode(Pointer { to: item(1) }), Expect::Anything)
        });
        store.write_each(OWNER, pointers.to_vec()).await.unwrap();
    }
    let store = embedded::open(&path).unwrap();
    for write in sale::commit(1, 10, None).writes {
        assert_eq!(read(&store, &write.key).await, Some((write.record.unwrap(), 1)));
    }
    let keys = codes.map(|code| Key::ItemCode(code.to_owned()));
    assert!(store.get(OWNER, &keys).await.unwrap().iter().all(Option::is_some));
    store.commit(OWNER, sale::commit(2, 10, Some(1))).await.unwrap();
    assert_eq!(all(&store, &List::Movements(item(0)), 10).await.len(), 2);
}

#[tokio::test]
async fn a_row_that_makes_no_sense_is_named() {
    let store = embedded::in_memory().unwrap();
    // a contact's row under the head's key reads, but under the wrong type; the reader must cope
    store.commit(OWNER, commit(vec![put(Key::AuditHead, name("x"), Expect::Absent)])).await.unwrap();
    assert_eq!(read(&store, &Key::AuditHead).await, Some((name("x"), 1)));
    let mut attributes = row::encode(keys::address(OWNER, &contact(1)), &name("x"), 1).unwrap();
    let row = |text: &str| AttributeValue::S(text.to_owned());
    attributes.insert("row".to_owned(), row(r#"{"type":"contact"}"#));
    assert!(row::decode(&attributes).unwrap_err().contains("name"));
    attributes.remove("row");
    assert!(row::decode(&attributes).unwrap_err().contains("record"));
    attributes.remove("ver");
    assert!(row::decode(&attributes).unwrap_err().contains("version"));
}

/// Kinds as keys name them and as the rows' `type` names them.
#[test]
fn key_and_record_call_a_kind_by_one_word() {
    let at = Timestamp::UNIX_EPOCH;
    let mut rows: Vec<(Key, Record)> =
        sale::commit(1, 1, None).writes.into_iter().map(|write| (write.key, write.record.unwrap())).collect();
    rows.extend([
        (contact(1), name("x")),
        (Key::Tenant(id(8, 1)), Record::Tenant(Pointer { to: sale::ORG })),
        (Key::ItemCode("A".to_owned()), Record::ItemCode(Pointer { to: item(1) })),
        (Key::Lease, Record::Lease(Lease { holder: id(8, 1), until: at })),
        (
            Key::Cursor(parstock_app::ports::Feed::Invoices),
            Record::Cursor(Cursor { until: at, resume: None }),
        ),
        (Key::Hint(HintOf::Sync), Record::Hint(WaitingHint { since: at, wake_at: None })),
        (Key::PendingEffect(EffectId(id(8, 1))), Record::PendingEffect(Mark {})),
    ]);
    for (key, record) in rows {
        let attributes = row::encode(keys::address(OWNER, &key), &record, 1).unwrap();
        let text: serde_json::Value = serde_json::from_str(attributes["row"].as_s().unwrap()).unwrap();
        assert_eq!(text["type"], keys::kind(&key));
        assert_eq!(row::decode(&attributes), Ok((record, 1)));
    }
}

/// The figure of the issue: a document of ten stock lines costs at most 70 write units.
#[tokio::test]
async fn a_sale_of_ten_lines_costs_at_most_70_write_units() {
    let costs = write_units(OWNER, &sale::commit(1, 10, None)).unwrap();
    let units = |kind| costs.get(kind).map(|cost: &Cost| (cost.rows, cost.units));
    assert_eq!(units("movement"), Some((10, 20)));
    assert_eq!(units("position"), Some((10, 20)));
    assert_eq!(units("layer"), Some((10, 20)));
    assert_eq!(units("document"), Some((1, 4)));
    assert_eq!(units("audit_entry"), Some((1, 2)));
    assert_eq!(units("audit_head"), Some((1, 2)));
    assert!(units::total(&costs) <= 70, "{costs:?}");

    let meter = Meter::default();
    let store = embedded::in_memory().unwrap().metered(meter.clone());
    store.commit(OWNER, sale::commit(1, 10, None)).await.unwrap();
    assert_eq!(meter.written(), costs);
    let keys: Vec<Key> = (0..10).map(|number| Key::Position(item(number), LocationId::main())).collect();
    store.get(OWNER, &keys).await.unwrap();
    store.list(OWNER, &List::Movements(item(0)), None, 10).await.unwrap();
    store.get(OWNER, &[Key::Profile]).await.unwrap();
    let read = meter.read();
    assert_eq!((read["position"].rows, read["position"].units), (10, 10));
    assert_eq!((read["movement"].rows, read["movement"].units), (1, 1));
    assert_eq!((read["profile"].rows, read["profile"].units), (1, 1));
}

#[test]
fn a_row_written_alone_costs_half() {
    let write = put(
        Key::Position(item(1), LocationId::main()),
        Record::Position(Position::default()),
        Expect::Absent,
    );
    let [alone, together] = alone_and_together(&write);
    let units = |commit| write_units(OWNER, &commit).unwrap()["position"].units;
    assert_eq!((units(alone), units(together)), (1, 2));
}
