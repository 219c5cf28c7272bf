//! The simulated deployment: people change Xero, webhooks come or don't, queues hand out messages,
//! schedules tick, and functions fail at any point.

mod adjustments;
mod receipts;
mod vouchers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};
use parstock_app::decide::{Decision, decide};
use parstock_app::error::AppError;
use parstock_app::message::{Hint, Message};
use parstock_app::opening::Count;
use parstock_app::ports::{QueueName, Store};
use parstock_app::process::Received;
use parstock_app::records::{Backfill, Key, List, Owner, Pointer, Record};
use parstock_app::send::send_now;
use parstock_app::{intake, opening, poller, process};
use parstock_domain::audit::Hash;
use parstock_domain::document::DocumentKind;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::ids::{ContactId, ItemId, LocationId, OrgId, ProposalId};
use parstock_domain::settings::Policy;
use serde_json::{Value, json};
use uuid::Uuid;

use self::adjustments::Adjusting;
use self::vouchers::Landing;
pub use self::vouchers::Vouchers;
use crate::laws::{self, Counted};
use crate::oracle;
use crate::ports::FakePorts;
use crate::queue::Delivered;
use crate::scheduler::{Faults, Planned, Sim, Tasks, later, lock};
use crate::store::FakeStore;
use crate::trade::{Change, Trader, ZONE_IANA};

/// Seconds of a webhook answer, after which Xero takes it for failed.
const WEBHOOK_TIME_OUT: SignedDuration = SignedDuration::from_secs(5);
/// How long a person waits for the console.
const CONSOLE_TIME_OUT: SignedDuration = SignedDuration::from_secs(30);
/// How long a function may run.
const FUNCTION_TIME_OUT: SignedDuration = SignedDuration::from_mins(5);
/// How long a message is hidden from others once it is handed out: six times the function's time.
const VISIBILITY: SignedDuration = SignedDuration::from_mins(30);
/// Messages of one batch.
const BATCH_MAX: usize = 10;
/// Functions that work on one queue at a time.
const WORKERS_MAX: usize = 3;
const TICK: SignedDuration = SignedDuration::from_mins(15);
/// How long the world is left in peace at most before it is judged.
const REST_MAX: SignedDuration = SignedDuration::from_hours(24);
/// Ticks at which nothing else may be under way before it is judged: Xero's quantities are read at least
/// at every fourth poll.
const QUIET_TICKS: u32 = 6;
/// Times Xero sends a webhook that is not answered in time.
const WEBHOOK_TRIES_MAX: u32 = 8;
/// How often people count.
const COUNTS: u32 = 2;
/// How far back people count.
const COUNT_DAYS_MAX: u64 = 30;
/// Items of a proposal that a person approves.
const ITEMS_PROPOSED: usize = 3;
/// Turns after which a run is taken to go round in circles.
const TURNS_MAX: u64 = 2_000_000;

/// When the driver takes a message out of its queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledge {
    /// Once it is processed.
    AtTheEnd,
    /// When it is handed out: a planted bug.
    OnReceipt,
}

/// A run of the simulation.
#[derive(Clone, Debug)]
pub struct Story {
    /// All chance follows from it.
    pub seed: u64,
    /// How many organisations.
    pub orgs: u32,
    /// How often people did something in Xero before parstock is connected.
    pub history: u32,
    /// How often people do something in Xero while parstock runs, in each org.
    pub acts: u32,
    /// Lines of one long document among them; zero for none.
    pub long_document: u64,
    /// How much goes wrong.
    pub faults: Faults,
    /// Harm at one point, counted from the first act on.
    pub planned: Option<Planned>,
    /// How many proposals a person approves, at most one per contact.
    pub approvals: usize,
    /// Whether the digest's schedule runs, for an org that wants it by mail and by Slack.
    pub digests: bool,
    /// Whether planning is asked for again and again while people act.
    pub replans: bool,
    /// Whether a person counts what Xero does not track, twice, once the acts are over.
    pub counts: bool,
    /// Whether a person takes goods in of orders, and takes some back.
    pub receives: bool,
    /// Whether a person adjusts stock, once the acts are over.
    pub adjustments: bool,
    /// What a person wants of landed cost vouchers, once the acts are over.
    pub vouchers: Vouchers,
    /// How many times longer people pause between two acts.
    pub leisure: u64,
    /// Whether the poller runs once the history is in. Without it only what has webhooks is written.
    pub polls: bool,
    /// When the driver acknowledges.
    pub acknowledge: Acknowledge,
}

impl Story {
    /// What people set, if anything.
    fn policy(&self) -> Option<Policy> {
        let rule = |setting: &str, value: Value| json!({"scope": "org", "setting": setting, "value": value});
        let mut rules = Vec::new();
        if self.approvals > 0 || self.receives {
            rules.push(rule("phase", "assist".into()));
        }
        if self.digests {
            rules.push(rule("mail_to", json!(["owner@example.com"])));
            rules.push(rule("slack", true.into()));
        }
        (!rules.is_empty()).then(|| serde_json::from_value(json!({"rules": rules})).unwrap())
    }

    /// A usual run.
    pub const fn new(seed: u64) -> Self {
        Self {
            seed,
            orgs: 1,
            history: 40,
            acts: 60,
            long_document: 0,
            faults: Faults::SOME,
            planned: None,
            approvals: 0,
            digests: false,
            replans: false,
            counts: false,
            receives: false,
            adjustments: false,
            vouchers: Vouchers::None,
            leisure: 1,
            polls: true,
            acknowledge: Acknowledge::AtTheEnd,
        }
    }
}

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What the oracle found, and laws that were broken on the way. Empty when all is well.
    pub differences: Vec<String>,
    /// Messages that were handed to a processor, each time counted.
    pub deliveries: u64,
    /// Commits that were applied.
    pub commits: u64,
    /// Points that were passed from the first act on until the first time when all was done.
    pub points_busy: u64,
    /// Harm that was done, by kind.
    pub harms: BTreeMap<&'static str, u64>,
    /// Digests that were put together.
    pub digests: usize,
    /// Proposals that planning made.
    pub proposals: usize,
    /// Messages in dead-letter queues, with their causes.
    pub dead: Vec<String>,
    /// A digest of all that happened.
    pub history: u64,
}

struct Webhook {
    due: Timestamp,
    tries: u32,
    hint: Hint,
}

/// A person who approves, and tries again when there is no answer.
#[derive(Clone, Copy)]
struct Approving {
    due: Timestamp,
    shown: Hash,
}

/// A world under way.
pub struct World<S> {
    story: Story,
    sim: Sim,
    store: FakeStore,
    ports: Arc<FakePorts<S>>,
    tasks: Tasks,
    traders: BTreeMap<OrgId, Trader>,
    connections: Vec<String>,
    webhooks: Arc<Mutex<BTreeMap<u64, Webhook>>>,
    webhooks_sent: u64,
    approvals: Arc<Mutex<BTreeMap<(OrgId, ProposalId), Approving>>>,
    working: Arc<Mutex<BTreeMap<QueueName, Vec<Timestamp>>>>,
    next_tick: Timestamp,
    next_act: Timestamp,
    acts_left: u32,
    quiet_ticks: u32,
    points_before: u64,
    points_busy: Option<u64>,
    /// Items that were there at the first load.
    loaded: BTreeMap<OrgId, BTreeSet<ItemId>>,
    counted: BTreeMap<OrgId, BTreeMap<ItemId, Counted>>,
    /// Organisations whose counts are not booked yet.
    counting: Arc<Mutex<BTreeSet<OrgId>>>,
    counting_again_at: Timestamp,
    /// People who want a voucher, by organisation.
    landing: Arc<Mutex<BTreeMap<OrgId, Landing>>>,
    deciding: bool,
    /// People who want stock adjusted, by organisation.
    adjusting: Arc<Mutex<BTreeMap<OrgId, Adjusting>>>,
    adjusts: bool,
}

/// Runs a story; `wrap` puts a planted bug around the store, or nothing.
pub fn run<S: Store + 'static>(story: Story, wrap: impl FnOnce(FakeStore) -> S) -> Report {
    let mut world = World::new(story, wrap);
    world.connect();
    world.trade();
    world.rest();
    if world.story.counts {
        for _ in 0..COUNTS {
            world.count();
            world.rest();
            world.compare_counts();
        }
    }
    if world.story.vouchers != Vouchers::None {
        world.land();
    }
    if world.story.adjustments {
        world.adjust();
    }
    world.report()
}

/// The first morning of every story.
fn start() -> Timestamp {
    Timestamp::UNIX_EPOCH.checked_add(SignedDuration::from_hours(24 * 20_577 - 2)).unwrap()
}

impl<S: Store + 'static> World<S> {
    fn new(story: Story, wrap: impl FnOnce(FakeStore) -> S) -> Self {
        let sim = Sim::new(story.seed, start());
        let store = FakeStore::new(sim.clone());
        let ports = FakePorts::new(wrap(store.clone()), sim.clone());
        let now = sim.now();
        Self {
            tasks: Tasks::new(sim.clone()),
            traders: BTreeMap::new(),
            connections: Vec::new(),
            webhooks: Arc::default(),
            webhooks_sent: 0,
            approvals: Arc::default(),
            working: Arc::default(),
            next_tick: now,
            next_act: now,
            acts_left: 0,
            quiet_ticks: 0,
            points_before: 0,
            points_busy: None,
            loaded: BTreeMap::new(),
            counted: BTreeMap::new(),
            counting: Arc::default(),
            counting_again_at: now,
            landing: Arc::default(),
            deciding: false,
            adjusting: Arc::default(),
            adjusts: false,
            story,
            sim,
            store,
            ports: Arc::new(ports),
        }
    }

    /// Organisations with some history are connected, and their first load is waited for.
    fn connect(&mut self) {
        for number in 0..self.story.orgs {
            let mut trader = Trader::new(self.story.seed.wrapping_mul(31).wrapping_add(u64::from(number)));
            let now = self.sim.now();
            let mut company = trader.company(&format!("Shop-{number}"), now);
            if self.story.replans {
                // so that there is something to order
                company.initial.values_mut().for_each(|initial| *initial = Quantity::ZERO);
            }
            for _ in 0..self.story.history {
                self.sim.pass(SignedDuration::from_secs(40));
                trader.act(&mut company, self.sim.now());
            }
            if !self.story.polls {
                trader.kinds = vec![
                    DocumentKind::SalesInvoice,
                    DocumentKind::Bill,
                    DocumentKind::SalesCredit,
                    DocumentKind::SupplierCredit,
                ];
            }
            let org = company.organisation.id;
            if let Some(policy) = self.story.policy() {
                self.store.put(Owner::Org(org), Key::Policy, Record::Policy(policy));
            }
            self.connections.push(company.connection());
            self.ports.books.add(company);
            self.traders.insert(org, trader);
            // with several orgs the first webhook could not tell whose it is
            let tenant = Key::Tenant(tenant(org));
            self.store.put(Owner::Stack, tenant, Record::Tenant(Pointer { to: org }));
        }
        self.next_tick = self.sim.now();
        if self.story.planned.is_none() && self.story.polls {
            self.sim.set_faults(self.story.faults);
        }
        let until = later(self.sim.now(), SignedDuration::from_hours(48));
        while !self.is_loaded() {
            if !self.turn(until) {
                self.sim.violation("the history was not loaded within two days".into());
                return;
            }
        }
        for org in self.traders.keys() {
            let items = self.ports.books.with(*org, |company| company.items.keys().copied().collect());
            self.loaded.insert(*org, items);
        }
    }

    fn is_loaded(&self) -> bool {
        self.traders.keys().all(|org| {
            self.store.row(Owner::Org(*org), &Key::Profile).is_some_and(|row| {
                matches!(row.record, Record::Profile(profile) if matches!(profile.backfill, Backfill::Done { .. }))
            })
        })
    }

    /// People work while everything goes wrong.
    fn trade(&mut self) {
        self.sim.set_faults(self.story.faults);
        self.propose();
        if !self.story.counts && !self.story.adjustments && self.story.vouchers == Vouchers::None {
            self.begin_to_harm();
        }
        self.acts_left = self.story.acts;
        self.next_act = self.sim.now();
        while self.acts_left > 0 {
            if !self.turn(Timestamp::MAX) {
                return;
            }
        }
    }

    /// Nothing goes wrong any more, until all is done that is to be done.
    fn rest(&mut self) {
        self.sim.set_faults(Faults::NONE);
        if !self.story.polls {
            self.let_waiting_hints_be_served();
        }
        self.quiet_ticks = 0;
        let until = later(self.sim.now(), REST_MAX);
        while self.quiet_ticks < QUIET_TICKS {
            if !self.turn(until) {
                self.sim.violation(format!("there was no rest by {until}"));
                return;
            }
            // a whole poll went by between two quiet ticks
            if self.quiet_ticks == 2 && self.points_busy.is_none() {
                self.points_busy = Some(self.sim.points() - self.points_before);
            }
        }
    }

    /// A person counts what Xero does not track, as it stands some days ago or today, and hands the counts
    /// in until they are booked.
    fn count(&mut self) {
        let faults = if self.story.planned.is_none() { self.story.faults } else { Faults::NONE };
        self.sim.set_faults(faults);
        self.begin_to_harm();
        let today = self.sim.now().to_zoned(TimeZone::get(ZONE_IANA).unwrap()).date();
        for org in self.traders.keys() {
            let company = self.ports.books.with(*org, |company| company.clone());
            let counted = company.items.values().filter(|item| !item.tracked).map(|item| {
                let (days, whole) = self.sim.draw(|rng| (rng.below(COUNT_DAYS_MAX), rng.below(500)));
                let as_of = today.saturating_sub((days as i64).days());
                (item.id, Counted { as_of, quantity: 10_000 * whole as i64 })
            });
            self.counted.insert(*org, counted.collect());
            lock(&self.counting).insert(*org);
        }
        self.counting_again_at = self.sim.now();
        while !lock(&self.counting).is_empty() {
            if !self.turn(Timestamp::MAX) {
                return;
            }
        }
    }

    fn compare_counts(&self) {
        for (org, counted) in &self.counted {
            let company = self.ports.books.with(*org, |company| company.clone());
            for what in laws::counts(&self.store, &company, counted) {
                self.sim.violation(what);
            }
        }
    }

    fn hand_in_counts(&mut self, now: Timestamp) {
        let orgs: Vec<OrgId> = lock(&self.counting).iter().copied().collect();
        if orgs.is_empty() || self.counting_again_at > now {
            return;
        }
        self.counting_again_at = later(now, SignedDuration::from_mins(1));
        for org in orgs {
            let counts: Vec<Count> = self.ports.books.with(org, |company| {
                let of = |(at, (item, counted)): (usize, (&ItemId, &Counted))| Count {
                    line: at as u64 + 2,
                    code: company.items.get(item).map(|item| item.code.clone()).unwrap_or_default(),
                    location: LocationId::main(),
                    as_of: counted.as_of,
                    quantity: Quantity::from_e4(counted.quantity),
                    unit_cost: Some(Money::from_e4(25_000)),
                };
                self.counted.get(&org).into_iter().flatten().enumerate().map(of).collect()
            });
            let (ports, counting) = (Arc::clone(&self.ports), Arc::clone(&self.counting));
            self.tasks.spawn("counts", CONSOLE_TIME_OUT, async move {
                match opening::import(&*ports, org, "A person", &counts).await {
                    Ok(Ok(_)) => {
                        lock(&counting).remove(&org);
                    }
                    Ok(Err(wrong)) => ports.sim.violation(format!("counts are refused: {wrong:?}")),
                    Err(_) => {}
                }
            });
        }
    }

    /// Planned harm is counted from here on.
    fn begin_to_harm(&mut self) {
        self.points_before = self.sim.points();
        self.points_busy = None;
        if let Some(planned) = self.story.planned {
            self.sim.plan(Planned { at: self.points_before + planned.at, ..planned });
        }
    }

    /// Without polls, hints that wait are served with the next webhook; here comes one that means nothing.
    fn let_waiting_hints_be_served(&mut self) {
        let now = self.sim.now();
        let orgs: Vec<OrgId> = self.traders.keys().copied().collect();
        for org in orgs {
            for hour in 1..=2 {
                let hint = Hint {
                    tenant: tenant(org),
                    category: "INVOICE".into(),
                    event_type: "UPDATE".into(),
                    resource: Uuid::from_u128(hour),
                };
                self.send_webhook(hint, later(now, SignedDuration::from_mins(hour as i64 * 60)));
            }
        }
    }

    fn report(self) -> Report {
        let mut differences = self.sim.violations();
        let (mut digests, mut proposals) = (0, 0);
        let now = self.sim.now();
        for org in self.traders.keys() {
            let company = self.ports.books.with(*org, |company| company.clone());
            let mut found = oracle::differences(&self.store, &company, now);
            if !self.story.polls {
                // nobody polled, and nobody read Xero's figures again
                found.retain(|what| {
                    !what.contains("the last whole poll") && !what.contains("what Xero last said")
                });
            }
            differences.extend(found);
            let none = BTreeSet::new();
            differences.extend(laws::openings(&self.store, &company, self.loaded.get(org).unwrap_or(&none)));
            differences.extend(laws::proposals(&self.store, *org));
            if self.story.digests {
                let (mails, posts) = (self.ports.mailer.taken(), self.ports.chat.taken());
                differences.extend(laws::notices(&self.store, *org, &mails, &posts, now));
            }
            for row in self.store.rows(Owner::Org(*org)) {
                digests += usize::from(matches!(row.key, Key::Digest(_)));
                proposals += usize::from(matches!(row.key, Key::Proposal(_)));
            }
        }
        let dead = QueueName::ALL.into_iter().flat_map(|queue| self.ports.queue.dead(queue));
        Report {
            differences,
            deliveries: self.ports.queue.handed_out(),
            commits: self.store.commits(),
            points_busy: self.points_busy.unwrap_or_default(),
            harms: self.sim.harms(),
            digests,
            proposals,
            dead: dead.map(|dead| dead.cause.unwrap_or_else(|| "handed out too often".into())).collect(),
            history: self.sim.history(),
        }
    }

    /// One turn of the world: whatever is due begins, and one task goes on. Answers whether anything is
    /// left to do before `until`.
    fn turn(&mut self, until: Timestamp) -> bool {
        if self.sim.points() > TURNS_MAX {
            self.sim.violation("the run goes round in circles".into());
            return false;
        }
        let now = self.sim.now();
        if self.acts_left > 0 && self.next_act <= now {
            self.act(now);
            self.receive(now);
        }
        self.deliver_webhooks(now);
        self.approve(now);
        self.hand_in_counts(now);
        self.try_vouchers(now);
        self.try_adjustments(now);
        if self.next_tick <= now {
            self.tick();
        }
        self.hand_out();
        if self.tasks.step() {
            return true;
        }
        match self.next_due() {
            Some(due) if due < until => {
                self.sim.pass_until(due);
                true
            }
            _ => false,
        }
    }

    fn next_due(&self) -> Option<Timestamp> {
        let webhooks = lock(&self.webhooks).values().map(|webhook| webhook.due).min();
        let acts = (self.acts_left > 0).then_some(self.next_act);
        let approvals = lock(&self.approvals).values().map(|approving| approving.due).min();
        let free = QueueName::ALL.into_iter().filter(|queue| self.workers(*queue) < WORKERS_MAX);
        let queues = free.filter_map(|queue| self.ports.queue.next_due(queue)).min();
        let counts = (!lock(&self.counting).is_empty()).then_some(self.counting_again_at);
        [
            webhooks,
            acts,
            approvals,
            counts,
            self.next_decision(),
            self.next_adjustment(),
            queues,
            self.tasks.next_due(),
            Some(self.next_tick),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    fn act(&mut self, now: Timestamp) {
        self.acts_left -= 1;
        let pause = self.sim.draw(|rng| if rng.chance(100) { rng.below(1_200) } else { rng.below(120) });
        self.next_act = later(now, SignedDuration::from_secs((pause * self.story.leisure) as i64));
        let long = self.story.long_document > 0 && self.acts_left == self.story.acts / 2;
        let today = now.to_zoned(TimeZone::UTC).date();
        let lines = self.story.long_document;
        let changes: Vec<(OrgId, Change)> = self
            .traders
            .iter_mut()
            .map(|(org, trader)| {
                let act = |company: &mut _| {
                    if long {
                        trader.new_document(company, now, today, lines)
                    } else {
                        trader.act(company, now)
                    }
                };
                (*org, self.ports.books.with(*org, act))
            })
            .collect();
        for (org, change) in changes {
            let Some(category) = change.category else { continue };
            let copies = match (self.story.polls && self.sim.odd(), self.sim.odd()) {
                (true, _) => 0,
                (false, true) => 2,
                (false, false) => 1,
            };
            for _ in 0..copies {
                let delay =
                    self.sim.draw(|rng| if rng.chance(100) { rng.below(3_600) } else { rng.below(20) });
                let hint = Hint {
                    tenant: tenant(org),
                    category: category.into(),
                    event_type: "UPDATE".into(),
                    resource: change.resource,
                };
                self.send_webhook(hint, later(now, SignedDuration::from_secs(delay as i64)));
            }
        }
    }

    fn send_webhook(&mut self, hint: Hint, due: Timestamp) {
        self.webhooks_sent += 1;
        lock(&self.webhooks).insert(self.webhooks_sent, Webhook { due, tries: 0, hint });
    }

    fn deliver_webhooks(&mut self, now: Timestamp) {
        let mut calls = Vec::new();
        lock(&self.webhooks).retain(|number, webhook| {
            if webhook.due > now {
                return true;
            }
            webhook.tries += 1;
            // unless it is answered, it comes again, ever later
            webhook.due = later(now, SignedDuration::from_secs(10 << webhook.tries.min(8)));
            calls.push((*number, webhook.hint.clone()));
            webhook.tries < WEBHOOK_TRIES_MAX
        });
        for (number, hint) in calls {
            let (ports, webhooks) = (Arc::clone(&self.ports), Arc::clone(&self.webhooks));
            self.tasks.spawn("webhook", WEBHOOK_TIME_OUT, async move {
                if intake::enqueue(&ports.queue, &ports.sim, &ports.sim, vec![hint]).await.is_ok() {
                    lock(&webhooks).remove(&number);
                }
            });
        }
    }

    /// Proposals as planning leaves them, for a person who will approve each.
    fn propose(&mut self) {
        let now = self.sim.now();
        for org in self.traders.keys().copied().collect::<Vec<_>>() {
            let company = self.ports.books.with(org, |company| company.clone());
            for contact in company.contacts.keys().take(self.story.approvals) {
                let proposal = self.store.put_proposal(&company, ContactId(*contact), ITEMS_PROPOSED, now);
                let due = later(now, SignedDuration::from_secs(self.sim.draw(|rng| rng.below(3_600)) as i64));
                let approving = Approving { due, shown: proposal.contents() };
                lock(&self.approvals).insert((org, proposal.id), approving);
            }
        }
    }

    fn approve(&mut self, now: Timestamp) {
        let mut calls = Vec::new();
        for (of, approving) in lock(&self.approvals).iter_mut().filter(|(_, approving)| approving.due <= now)
        {
            approving.due = later(now, SignedDuration::from_mins(1));
            calls.push((*of, approving.shown));
        }
        for ((org, proposal), shown) in calls {
            let (ports, approvals) = (Arc::clone(&self.ports), Arc::clone(&self.approvals));
            self.tasks.spawn("console", CONSOLE_TIME_OUT, async move {
                let answer = decide(&*ports, org, proposal, shown, "A person", &Decision::Approve).await;
                if matches!(answer, Ok(_) | Err(AppError::Reject(_))) {
                    lock(&approvals).remove(&(org, proposal));
                }
            });
        }
    }

    fn tick(&mut self) {
        self.next_tick = later(self.next_tick, TICK);
        let quiet = !self.sim.is_outage()
            && !self.ports.books.is_any_parked()
            && self.tasks.is_empty()
            && lock(&self.webhooks).is_empty()
            && lock(&self.approvals).is_empty()
            && self.ports.queue.is_empty()
            && self.traders.keys().all(|org| !self.store.has(Owner::Org(*org), &List::PendingEffects));
        self.quiet_ticks = if quiet { self.quiet_ticks + 1 } else { 0 };
        if !self.story.polls && self.is_loaded() {
            return;
        }
        // a schedule fires at least once, and a function may not come up
        let times = match (self.sim.odd(), self.sim.odd()) {
            (true, true) => 0,
            (true, false) => 2,
            _ => 1,
        };
        for _ in 0..times {
            let (ports, connections) = (Arc::clone(&self.ports), self.connections.clone());
            self.tasks.spawn("poller", FUNCTION_TIME_OUT, async move {
                let _ = poller::tick(&*ports, &connections).await;
            });
            if self.story.digests {
                let ports = Arc::clone(&self.ports);
                self.tasks.spawn("digest", FUNCTION_TIME_OUT, async move {
                    let _ = poller::digest_tick(&*ports).await;
                });
            }
        }
        if self.story.replans && self.acts_left > 0 && self.is_loaded() {
            self.replan();
        }
    }

    /// Somebody asks for planning and for proposals, twice.
    fn replan(&mut self) {
        let day = self.sim.now().to_zoned(TimeZone::get(ZONE_IANA).unwrap()).date();
        for org in self.traders.keys().copied() {
            for message in [Message::PlanAll { org, day, after: None }, Message::Propose { org }] {
                for _ in 0..2 {
                    let (ports, message) = (Arc::clone(&self.ports), message.clone());
                    self.tasks.spawn("asks for plans", FUNCTION_TIME_OUT, async move {
                        let _ = send_now(&*ports, message).await;
                    });
                }
            }
        }
    }

    fn workers(&self, queue: QueueName) -> usize {
        let now = self.sim.now();
        let mut working = lock(&self.working);
        let ends = working.entry(queue).or_default();
        ends.retain(|end| *end > now);
        ends.len()
    }

    fn hand_out(&mut self) {
        for queue in QueueName::ALL {
            if self.workers(queue) >= WORKERS_MAX {
                continue;
            }
            let batch = self.ports.queue.receive(queue, BATCH_MAX, VISIBILITY);
            if batch.is_empty() {
                continue;
            }
            if self.story.acknowledge == Acknowledge::OnReceipt {
                batch.iter().for_each(|message| self.ports.queue.delete(queue, message.id));
            }
            let ends_at = later(self.sim.now(), FUNCTION_TIME_OUT);
            lock(&self.working).entry(queue).or_default().push(ends_at);
            let (ports, working) = (Arc::clone(&self.ports), Arc::clone(&self.working));
            self.tasks.spawn("processor", FUNCTION_TIME_OUT, async move {
                process_batch(&ports, queue, batch).await;
                let mut working = lock(&working);
                if let Some(ends) = working.get_mut(&queue)
                    && let Some(at) = ends.iter().position(|end| *end == ends_at)
                {
                    ends.swap_remove(at);
                }
            });
        }
    }
}

/// What the platform does around the processor: it deletes what did not fail.
async fn process_batch<S: Store>(ports: &FakePorts<S>, queue: QueueName, batch: Vec<Delivered>) {
    let records = batch
        .iter()
        .map(|message| Received {
            id: message.id.to_string(),
            body: message.body.clone(),
            receives: message.receives,
        })
        .collect();
    let failed = process::batch(ports, queue, records).await;
    for message in batch {
        if failed.iter().all(|record| record.id != message.id.to_string()) {
            ports.queue.delete(queue, message.id);
        } else if ports.sim.odd() {
            // usually it stays hidden until its time is over
            ports.queue.give_back(queue, message.id);
        }
    }
}

/// Xero's tenant id of an org, which is not its organisation id.
const fn tenant(org: OrgId) -> Uuid {
    Uuid::from_u128(org.0.as_u128() ^ 0xffff)
}
