//! A world in a file: nothing acknowledged is lost, nothing is repeated.

use std::sync::Arc;

use jiff::SignedDuration;
use parstock_xero_sim::act::{Act, DocumentKind as Kind, Status, TimedAct};
use parstock_xero_sim::{OpenError, Settings, Switches, World};

use crate::support::*;

async fn open(path: &std::path::Path) -> Company {
    Company::on(World::open(Some(path), SEED, Settings::development(SEED)).unwrap()).await
}

/// Lets a company go as a kill would: nothing is said to the world.
fn kill(company: Company) {
    let Company { world, router, .. } = company;
    drop(router);
    drop(Arc::into_inner(world).unwrap());
}

#[tokio::test]
async fn books_orders_keys_limits_and_webhooks_survive_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xero.db");
    let company = open(&path).await;
    company.write(Kind::Bill, "B-1", Status::Authorised, vec![line("TEA", "10", "2")]).unwrap();
    company.write(Kind::Invoice, "I-1", Status::Authorised, vec![line("TEA", "3", "5")]).unwrap();
    messages(company.write(Kind::Invoice, "I-2", Status::Authorised, vec![line("TEA", "30", "5")]));
    let body = company.order_json("PS-1", "");
    let first = company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap();
    let token = company.token.clone();
    let (documents, acts, due) = {
        let mut world = company.world.lock().unwrap();
        let due = world.next_due().unwrap();
        // Taken but never answered for: comes again.
        assert_eq!(world.take_due_deliveries(due).unwrap().len(), 1);
        (world.documents().collect::<Vec<_>>(), world.acts_applied(), due)
    };
    kill(company);

    let mut company = open(&path).await;
    company.token = token;
    assert_eq!(company.stock("TEA"), (e4("7"), e4("14")));
    assert_eq!(company.world.lock().unwrap().documents().collect::<Vec<_>>(), documents);
    assert_eq!(company.world.lock().unwrap().acts_applied(), acts);
    let again = company.put_with_key("PurchaseOrders", "k-1", &body).await.unwrap();
    assert_eq!(again.body, first.body);
    assert_eq!(again.header("X-DayLimit-Remaining"), Some("998"));
    {
        let mut world = company.world.lock().unwrap();
        let later = due.checked_add(SignedDuration::from_secs(1)).unwrap();
        let deliveries = world.take_due_deliveries(later).unwrap();
        assert_eq!(deliveries.len(), 1);
        world.delivery_answered(deliveries[0].id, Some(200), later).unwrap();
        assert_eq!(world.next_due(), None);
    }
    kill(company);
    assert_eq!(open(&path).await.world.lock().unwrap().next_due(), None);
}

#[test]
fn the_same_history_has_the_same_ids_under_one_seed_only() {
    let history: Vec<TimedAct> = master_data()
        .into_iter()
        .chain([Act::CreateDocument(document(
            Kind::Bill,
            "B-1",
            Status::Authorised,
            vec![line("TEA", "1", "1")],
        ))])
        .map(|act| TimedAct { at: start(), act })
        .collect();
    let world = |seed: u64| {
        let mut world = World::open(None, seed, Settings::development(seed)).unwrap();
        world.apply_history(&history).unwrap();
        world
    };
    let ids = |world: &World| world.documents().map(|d| (d.id, d.lines[0].id)).collect::<Vec<_>>();
    assert_eq!(ids(&world(1)), ids(&world(1)));
    assert_ne!(ids(&world(1)), ids(&world(2)));
    assert_ne!(world(1).tenant_id(), world(2).tenant_id());
    // A history from before the connection raises nothing.
    assert_eq!(world(1).next_due(), None);
}

#[test]
fn a_history_stops_at_the_first_refused_act_and_goes_on_after_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xero.db");
    let mut acts = master_data();
    acts.push(Act::set_status(Kind::Bill, "GHOST", Status::Paid));
    let timed: Vec<TimedAct> = acts.into_iter().map(|act| TimedAct { at: start(), act }).collect();
    let mut world = World::open(Some(&path), SEED, Settings::development(SEED)).unwrap();
    world.apply_history(&timed).unwrap_err();
    assert_eq!(world.acts_applied() as usize, timed.len() - 1);
    drop(world);
    let world = World::open(Some(&path), SEED, Settings::development(SEED)).unwrap();
    assert_eq!(world.acts_applied() as usize, timed.len() - 1);
    assert_eq!(world.items().count(), 3);
}

#[test]
fn a_file_of_another_world_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xero.db");
    drop(World::open(Some(&path), 1, Settings::development(1)).unwrap());
    let error = World::open(Some(&path), 2, Settings::development(2)).unwrap_err();
    assert!(matches!(error, OpenError::OtherWorld { .. }), "{error}");
    let switches = Switches { payment_raises_event: false, ..Switches::default() };
    let error = World::open(Some(&path), 1, Settings { switches, ..Settings::development(1) }).unwrap_err();
    assert!(error.to_string().contains("remove the file"), "{error}");
}

#[tokio::test]
async fn a_kill_after_any_step_finds_all_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("xero.db");
    let company = open(&path).await;
    for step in 0..12 {
        company.pass_seconds(7);
        let number = format!("N-{step}");
        match step % 4 {
            0 => drop(
                company.write(Kind::Bill, &number, Status::Authorised, vec![line("TEA", "5", "2")]).unwrap(),
            ),
            1 => {
                let answer = company.put("PurchaseOrders", &company.order_json(&number, "")).await;
                assert_eq!(answer.status, 200);
            }
            2 => drop(
                company
                    .write(Kind::Invoice, &number, Status::Authorised, vec![line("TEA", "2", "9")])
                    .unwrap(),
            ),
            _ => {
                let now = company.now();
                let mut world = company.world.lock().unwrap();
                for delivery in world.take_due_deliveries(now).unwrap() {
                    world.delivery_answered(delivery.id, Some(200), now).unwrap();
                }
            }
        }
        // What a killed process leaves behind is the two files as they are now.
        let left = tempfile::tempdir().unwrap();
        for name in ["xero.db", "xero.db-wal"] {
            std::fs::copy(folder.path().join(name), left.path().join(name)).unwrap();
        }
        let found =
            World::open(Some(&left.path().join("xero.db")), SEED, Settings::development(SEED)).unwrap();
        let world = company.world.lock().unwrap();
        assert_eq!(
            found.documents().collect::<Vec<_>>(),
            world.documents().collect::<Vec<_>>(),
            "step {step}"
        );
        assert_eq!(found.stock("TEA"), world.stock("TEA"));
        assert_eq!(found.next_due(), world.next_due(), "step {step}");
        assert_eq!(found.acts_applied(), world.acts_applied());
    }
}
