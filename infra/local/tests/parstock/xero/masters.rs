//! The organisation and its suppliers are changed in Xero.

use jiff::ToSpan;
use parstock_app::connect;
use parstock_domain::fixed::Quantity;
use parstock_domain::governance::ProposalState;
use parstock_local::ask::{Ask, answer_in_folder};
use parstock_local::demo::load_history;
use parstock_tests::corner_shop;
use parstock_xero_sim::act::{Act, Changes, Contact, DocumentKind, DocumentName, E4, Item, Status, Tracking};

use super::shop::Shop;

const ASSIST: &str = r#"{"version":1,"rules":[{"scope":"org","setting":"phase","value":"assist"}]}"#;

#[tokio::test]
async fn a_renamed_organisation_is_removed_by_its_new_name() {
    let shop = Shop::open().await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    shop.apply(&corner_shop::set_up("New Name")[0]);
    let gets = || shop.world.lock().unwrap().audit().calls.get("GET Organisation").copied().unwrap_or(0);
    let before = gets();
    driver.run_until(shop.ports.clock.now() + 26.hours()).await.unwrap();
    assert_eq!(gets() - before, 1, "once a day");
    assert_eq!(connect::orgs(&*shop.ports).await.unwrap()[0].name, "New Name");
    let listed = answer_in_folder(&shop.ports, &Ask::Connections { test: false }).await.unwrap();
    assert_eq!(listed.json[0]["organisation"], "New Name");
    let remove = async |name: &str| {
        answer_in_folder(&shop.ports, &Ask::RemoveConnection { name: name.to_owned(), yes: true }).await
    };
    assert!(remove("Corner Shop").await.is_err(), "nobody is called so any more");
    let removed = remove("New Name").await.unwrap();
    assert!(removed.text.contains("New Name is removed"), "{}", removed.text);
}

#[tokio::test]
async fn an_order_to_a_merged_supplier_is_refused_here_once_it_is_known_and_in_words_before() {
    let shop = Shop::open().await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    shop.set(ASSIST).await;
    shop.apply(&Act::UpsertContact(Contact {
        name: "Jane".to_owned(),
        contact_number: None,
        email: None,
        is_supplier: true,
        is_customer: false,
    }));
    let merge = Act::MergeContacts { from: "Mill & Sons".to_owned(), into: "Jane".to_owned() };
    shop.apply(&merge);

    // not known here yet: Xero refuses, and what to do is said
    let proposal = shop.propose("Mill & Sons").await;
    shop.approve(&proposal).await.unwrap();
    driver.run_until(shop.ports.clock.now() + 10.minutes()).await.unwrap();
    let ProposalState::Failed { reason, .. } = shop.proposal(proposal.id).await.status else { panic!() };
    assert!(reason.contains("archived") && reason.contains("planned anew"), "{reason}");

    driver.run_until(shop.ports.clock.now() + 2.hours()).await.unwrap();
    let refused = shop.approve(&shop.proposal(proposal.id).await).await.unwrap_err().to_string();
    assert!(refused.contains("Mill & Sons was merged into Jane"), "{refused}");
    let world = shop.world.lock().unwrap();
    assert!(world.documents().all(|document| document.kind != DocumentKind::PurchaseOrder));
}

#[tokio::test]
async fn an_order_that_the_role_does_not_allow_is_explained_by_what_xero_says_of_it() {
    let shop = Shop::open().await;
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    shop.set(ASSIST).await;
    shop.apply(&Act::ForbidActions(vec!["CreateDraftPurchaseOrder".to_owned()]));
    let proposal = shop.propose("Mill & Sons").await;
    shop.approve(&proposal).await.unwrap();
    driver.run_until(shop.ports.clock.now() + 20.minutes()).await.unwrap();
    let ProposalState::Failed { reason, .. } = shop.proposal(proposal.id).await.status else { panic!() };
    assert!(reason.contains("CreateDraftPurchaseOrder") && reason.contains("role"), "{reason}");

    // once it is allowed the same order is written
    shop.apply(&Act::ForbidActions(Vec::new()));
    shop.approve(&shop.proposal(proposal.id).await).await.unwrap();
    driver.run_until(shop.ports.clock.now() + 20.minutes()).await.unwrap();
    let status = shop.proposal(proposal.id).await.status;
    assert!(matches!(status, ProposalState::Done { .. }), "{status:?}");
}

/// Whether Xero takes new lines of an inactive item is known by nobody.
#[tokio::test]
async fn an_item_that_was_made_inactive_keeps_its_stock_and_its_order_says_what_to_do() {
    for refused in [true, false] {
        let shop = Shop::with(|settings| settings.switches.archived_item_is_refused = refused).await;
        let mut driver = shop.driver();
        load_history(&mut driver, 0, &mut ()).await.unwrap();
        shop.set(ASSIST).await;
        shop.sell("INV-1", "BAG", E4::whole(3));
        shop.sell("INV-2", "BAG", E4::ONE);
        driver.run_until(shop.ports.clock.now() + 20.minutes()).await.unwrap();
        let archive = |archived| Act::ArchiveItem { code: "BAG".to_owned(), archived };
        shop.apply(&archive(true));
        // what was sold before can still be voided, and is booked
        shop.apply(&Act::EditDocument {
            document: DocumentName { kind: DocumentKind::Invoice, number: "INV-1".to_owned() },
            changes: Changes { status: Some(Status::Voided), ..Changes::default() },
        });
        driver.run_until(shop.ports.clock.now() + 2.hours()).await.unwrap();
        assert_eq!(shop.stock("BAG").await, Quantity::from_e4(-10_000), "{refused}");

        let proposal = shop.propose("Mill & Sons").await;
        shop.approve(&proposal).await.unwrap();
        driver.run_until(shop.ports.clock.now() + 20.minutes()).await.unwrap();
        let status = shop.proposal(proposal.id).await.status;
        if !refused {
            assert!(matches!(status, ProposalState::Done { .. }), "{status:?}");
            continue;
        }
        let ProposalState::Failed { reason, .. } = status else { panic!("{status:?}") };
        assert!(reason.contains("BAG") && reason.contains("made inactive"), "{reason}");
        shop.apply(&archive(false));
        shop.approve(&shop.proposal(proposal.id).await).await.unwrap();
        driver.run_until(shop.ports.clock.now() + 20.minutes()).await.unwrap();
        let status = shop.proposal(proposal.id).await.status;
        assert!(matches!(status, ProposalState::Done { .. }), "{status:?}");
    }
}

/// Xero removes an item only if it stands on no document, and tells nobody.
#[tokio::test]
async fn an_order_of_an_item_that_was_removed_is_refused_in_words_and_nothing_else_is_held_up() {
    let shop = Shop::open().await;
    shop.apply(&Act::UpsertItem(Item {
        code: "HAT".to_owned(),
        name: "Hat".to_owned(),
        description: String::new(),
        tracking: Tracking::Untracked { purchase_account: "310".to_owned() },
        purchase_price: E4::ONE,
        sales_price: E4::whole(2),
        sales_account: "200".to_owned(),
    }));
    let mut driver = shop.driver();
    load_history(&mut driver, 0, &mut ()).await.unwrap();
    shop.set(ASSIST).await;
    shop.apply(&Act::DeleteItem { code: "HAT".to_owned() });
    let proposal = shop.propose_item("Mill & Sons", "HAT").await;
    shop.approve(&proposal).await.unwrap();
    shop.sell("INV-1", "BAG", E4::ONE);
    driver.run_until(shop.ports.clock.now() + 2.hours()).await.unwrap();
    let ProposalState::Failed { reason, .. } = shop.proposal(proposal.id).await.status else { panic!() };
    assert!(reason.contains("HAT") && reason.contains("removed"), "{reason}");
    assert_eq!(shop.stock("BAG").await, Quantity::from_e4(-10_000));
    assert!(!shop.health().await.contains("your turn"), "{}", shop.health().await);
}
