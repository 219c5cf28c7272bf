//! What a process leaves behind when it is killed, and who waits for whom in one.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use parstock_app::load::{self, unguarded};
use parstock_app::ports::{Books, Commit, Entropy, Ports, Priority, Queue, QueueName, Store};
use parstock_app::records::{Connection, Effect, EffectKind, EffectState, Key, Mark, Owner};
use parstock_domain::ids::{CommitId, EffectId};
use parstock_local::ask::{Ask, answer_in_folder};
use parstock_local::commands::dead_letters::Letters;
use parstock_local::demo::load_history;
use parstock_local::driver::CONNECTION;
use parstock_local::error::LocalError;

use super::shop::{MONDAY, Shop};

/// Sessions that may be under way at once, at the very most.
const SESSIONS_MAX: usize = 10;

#[tokio::test]
async fn what_a_killed_process_held_is_free_at_the_next_start() {
    let shop = Shop::open().await;
    let ports = Arc::clone(&shop.ports);
    let until = ports.clock.now() + SignedDuration::from_mins(15);
    let mut sessions = Vec::new();
    while let Ok(session) = ports.books().open(shop.org, Priority::Webhook, 1).await {
        sessions.push(session);
        assert!(sessions.len() < SESSIONS_MAX, "there is no limit");
    }
    let effect = EffectId(ports.entropy().uuid());
    let what = Effect {
        what: EffectKind::DigestMail { day: MONDAY },
        decided_at: ports.clock.now(),
        attempts: 1,
        status: EffectState::Trying { until },
        needs_person: None,
    };
    let writes =
        vec![unguarded(Key::Effect(effect), what), unguarded(Key::PendingEffect(effect), Mark::default())];
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes };
    ports.store().commit(Owner::Org(shop.org), commit).await.unwrap();
    let key = Key::Connection(CONNECTION.to_owned());
    let mut token = load::one::<Connection>(ports.store(), Owner::Stack, key.clone()).await.unwrap().unwrap();
    token.content.lease = Some((ports.entropy().uuid(), until));
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes: vec![token.write(key.clone())] };
    ports.store().commit(Owner::Stack, commit).await.unwrap();
    drop((sessions, ports));

    let shop = shop.killed().await;
    let store = shop.ports.store();
    shop.ports.books().open(shop.org, Priority::Webhook, 1).await.unwrap();
    let token = load::one::<Connection>(store, Owner::Stack, key).await.unwrap().unwrap();
    assert_eq!(token.content.lease, None);
    let tried = load::one::<Effect>(store, Owner::Org(shop.org), Key::Effect(effect)).await.unwrap().unwrap();
    assert!(matches!(tried.content.status, EffectState::Unknown { .. }), "{:?}", tried.content.status);
}

pub async fn loaded() -> Shop {
    let shop = Shop::open().await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    shop
}

#[tokio::test]
async fn a_command_that_changes_something_waits_for_the_step_under_way() {
    let shop = loaded().await;
    let step = Arc::clone(&shop.ports.turn).lock_owned().await;
    let ports = Arc::clone(&shop.ports);
    let text = "item,location,as_of,quantity,unit_cost\nBAG,,2026-03-01,7,1\n".to_owned();
    let import = tokio::spawn(async move { answer_in_folder(&ports, &Ask::Count { text }).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!import.is_finished(), "it did not wait");
    // questions do not wait
    answer_in_folder(&shop.ports, &Ask::Proposals).await.unwrap();
    drop(step);
    let done = import.await.unwrap().unwrap();
    assert_eq!(done.json["opened"], 1, "{}", done.talk);
}

#[tokio::test]
async fn dead_letters_are_told_with_their_cause_sent_again_and_given_up() {
    let shop = loaded().await;
    let queue = &shop.ports.queue;
    for (name, body) in [(QueueName::Work, "one"), (QueueName::Events, "two")] {
        queue.bury(name, body, "Xero refused it").await.unwrap();
    }
    let letters = async |letters| answer_in_folder(&shop.ports, &Ask::DeadLetters(letters)).await;
    let listed = letters(Letters::List).await.unwrap();
    let letter_ids = listed.json.as_array().unwrap().iter().map(|letter| letter["id"].as_str().unwrap());
    let ids: Vec<String> = letter_ids.map(str::to_owned).collect();
    assert!(listed.text.contains("Xero refused it"), "{}", listed.text);
    let health = answer_in_folder(&shop.ports, &Ask::Health).await.unwrap();
    assert!(health.text.contains("Xero refused it"), "{}", health.text);

    assert!(matches!(
        letters(Letters::Drop(vec![ids[0].clone(), "999".to_owned()])).await,
        Err(LocalError::Input(_))
    ));
    assert_eq!(queue.dead().unwrap().len(), 2, "with a wrong id nothing is done");
    letters(Letters::Retry(vec![ids[0].clone()])).await.unwrap();
    letters(Letters::Drop(vec![ids[1].clone()])).await.unwrap();
    assert_eq!(queue.dead().unwrap(), []);
    let again: Vec<String> =
        queue.receive(QueueName::Work).unwrap().into_iter().map(|record| record.body).collect();
    assert!(again.contains(&"one".to_owned()), "{again:?}");
    let gone: Vec<String> =
        queue.receive(QueueName::Events).unwrap().into_iter().map(|record| record.body).collect();
    assert!(!gone.contains(&"two".to_owned()), "{gone:?}");
}
