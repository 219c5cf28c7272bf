//! Signing in by a mailed link: who gets one, how many, and how often it works.
#![expect(clippy::unwrap_used, reason = "a test may stop where it stands")]

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::Mail;
use parstock_app::records::{Key, Owner, Record};
use parstock_app::sign_in::{
    Asked, LINK_LIFETIME, Link, MAILS_MAX, MAILS_PER_ADDRESS_MAX, ask, look, redeem,
};
use parstock_domain::audit::Hash;
use parstock_tests::ports::FakePorts;
use parstock_tests::scheduler::{Faults, Sim, run_alone};
use parstock_tests::store::FakeStore;

const NEXT: &str = "/o/1/health";
const SECOND: SignedDuration = SignedDuration::from_secs(1);

fn noon() -> Timestamp {
    "2026-06-01T02:00:00Z".parse().unwrap()
}

fn people() -> Vec<String> {
    ["Kim@example.com", "lee@example.com"].map(str::to_owned).into()
}

fn open(seed: u64) -> FakePorts<FakeStore> {
    let sim = Sim::new(seed, noon());
    FakePorts::new(FakeStore::new(sim.clone()), sim)
}

fn mails(ports: &FakePorts<FakeStore>) -> Vec<Mail> {
    ports.mailer.taken().into_iter().map(|taken| taken.what).collect()
}

/// The token in the last mail.
fn token(ports: &FakePorts<FakeStore>) -> String {
    let mail = mails(ports).pop().unwrap();
    let (_, rest) = mail.text.split_once("/sign-in/link?token=").unwrap();
    let token = rest.split_whitespace().next().unwrap().to_owned();
    assert!(mail.html.contains(&token));
    token
}

fn good() -> Link {
    Link::Good { address: "Kim@example.com".to_owned(), next: NEXT.to_owned() }
}

#[test]
fn a_link_signs_in_once_and_looking_at_it_changes_nothing() {
    run_alone(async {
        let (ports, people) = (open(1), people());
        assert_eq!(ask(&ports, &people, " kim@EXAMPLE.com ", NEXT).await.unwrap(), Asked::Mailed);
        let token = token(&ports);
        let sent = mails(&ports);
        assert_eq!((sent.len(), &sent[0].to), (1, &vec!["Kim@example.com".to_owned()]));
        assert!(!sent[0].message_id.contains(&token), "mail programs log their ids");
        for _ in 0..3 {
            assert_eq!(look(&ports, &people, &token).await.unwrap(), good());
        }
        assert_eq!(redeem(&ports, &people, &token).await.unwrap(), good());
        assert_eq!(redeem(&ports, &people, &token).await.unwrap(), Link::Used);
        assert_eq!(look(&ports, &people, &token).await.unwrap(), Link::Used);
        for wrong in ["", "x", &token[1..]] {
            assert_eq!(redeem(&ports, &people, wrong).await.unwrap(), Link::Over, "{wrong}");
        }
    });
}

#[test]
fn the_table_knows_no_token_and_a_link_ends_by_the_clock_and_with_its_person() {
    run_alone(async {
        let (ports, people) = (open(1), people());
        ask(&ports, &people, "kim@example.com", NEXT).await.unwrap();
        let token = token(&ports);
        let rows = ports.store.rows(Owner::Stack);
        assert!(!format!("{rows:?}").contains(&token));
        let row = ports.store.row(Owner::Stack, &Key::SignInLink(Hash::of(token.as_bytes()))).unwrap();
        let Record::SignInLink(link) = row.record else { panic!("no link") };
        assert_eq!(link.expires_at, noon() + LINK_LIFETIME);
        assert_eq!(Record::SignInLink(link).expires_at(), Some(noon() + LINK_LIFETIME));

        let others = ["lee@example.com".to_owned()];
        assert_eq!(redeem(&ports, &others, &token).await.unwrap(), Link::Over, "taken out meanwhile");
        ports.sim.pass(LINK_LIFETIME - SECOND);
        assert_eq!(look(&ports, &people, &token).await.unwrap(), good());
        ports.sim.pass(SECOND);
        assert_eq!(look(&ports, &people, &token).await.unwrap(), Link::Over);
        assert_eq!(redeem(&ports, &people, &token).await.unwrap(), Link::Over);
    });
}

#[test]
fn no_inbox_is_flooded_and_strangers_get_nothing() {
    run_alone(async {
        let (ports, people) = (open(1), people());
        for _ in 0..MAILS_PER_ADDRESS_MAX {
            assert_eq!(ask(&ports, &people, "kim@example.com", NEXT).await.unwrap(), Asked::Mailed);
            assert_eq!(ask(&ports, &people, "eve@example.com", NEXT).await.unwrap(), Asked::Stranger);
        }
        assert_eq!(ask(&ports, &people, "Kim@example.com", NEXT).await.unwrap(), Asked::TooMany);
        assert_eq!(ask(&ports, &people, "lee@example.com", NEXT).await.unwrap(), Asked::Mailed);
        assert_eq!(mails(&ports).len(), MAILS_PER_ADDRESS_MAX + 1);
        // who meets the limit has a link that is good
        let kims: Vec<Mail> =
            mails(&ports).into_iter().filter(|mail| mail.to == ["Kim@example.com"]).collect();
        assert_eq!(kims.len(), MAILS_PER_ADDRESS_MAX);
        ports.sim.pass(LINK_LIFETIME);
        assert_eq!(ask(&ports, &people, "kim@example.com", NEXT).await.unwrap(), Asked::Mailed);

        let ports = open(1);
        let many: Vec<String> = (0..MAILS_MAX).map(|n| format!("u{n}@example.com")).collect();
        for person in &many {
            assert_eq!(ask(&ports, &many, person, NEXT).await.unwrap(), Asked::Mailed);
        }
        assert_eq!(ask(&ports, &many, &many[0], NEXT).await.unwrap(), Asked::TooMany);
        assert_eq!(mails(&ports).len(), MAILS_MAX);
    });
}

#[test]
fn answers_that_get_lost_sign_nobody_in_twice() {
    for seed in 0..60 {
        run_alone(async move {
            let (ports, people) = (open(seed), people());
            ask(&ports, &people, "kim@example.com", NEXT).await.unwrap();
            let token = token(&ports);
            ports.sim.set_faults(Faults { fail_before: 200, fail_after: 300, ..Faults::NONE });
            let mut signed_in = 0;
            for _ in 0..6 {
                if let Ok(Link::Good { .. }) = redeem(&ports, &people, &token).await {
                    signed_in += 1;
                }
            }
            assert!(signed_in <= 1, "seed {seed}: {signed_in} times");
        });
    }
}
