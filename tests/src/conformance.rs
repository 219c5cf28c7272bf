//! One suite per port, for every implementation: what use cases may rely on.
//!
//! Each suite is a generic async function; a fake runs it here, a real adapter beside its own code.

pub mod books;
pub mod clock;
pub mod queue;
pub mod samples;
pub mod send;
pub mod store;

#[cfg(test)]
mod tests {
    use jiff::civil::Date;
    use jiff::tz::TimeZone;
    use jiff::{SignedDuration, Timestamp};
    use parstock_app::ports::{Entropy, QueueName};
    use parstock_domain::document::{
        Contact, Document, DocumentKind, DocumentLine, DocumentRef, DocumentStatus, Item, ItemRef,
    };
    use parstock_domain::fixed::{Money, Quantity};
    use parstock_domain::ids::{DocumentId, LineId, OrgId};

    use crate::books::FakeBooks;
    use crate::mail::{FakeChat, FakeMailer};
    use crate::queue::FakeQueue;
    use crate::scheduler::{Sim, run_alone};
    use crate::store::FakeStore;
    use crate::trade::Trader;

    fn sim() -> Sim {
        Sim::new(1, Timestamp::UNIX_EPOCH)
    }

    struct Shop {
        sim: Sim,
        books: FakeBooks,
        org: OrgId,
        customer: Contact,
    }

    impl Shop {
        fn open() -> Self {
            let sim = sim();
            let books = FakeBooks::new(sim.clone());
            let company = Trader::new(1).company("Shop", sim.now());
            let org = company.organisation.id;
            let customer = company.contacts.values().next().unwrap().0.clone();
            books.add(company);
            Self { sim, books, org, customer }
        }
    }

    impl super::books::Harness for Shop {
        type Books = FakeBooks;
        fn books(&self) -> &FakeBooks {
            &self.books
        }
        fn connection(&self) -> String {
            self.books.with(self.org, |company| company.connection())
        }
        fn org(&self) -> OrgId {
            self.org
        }
        fn now(&self) -> Timestamp {
            self.sim.now()
        }
        fn today(&self) -> Date {
            self.sim.now().to_zoned(TimeZone::UTC).date()
        }
        fn sell(&self, item: &Item, quantity: Quantity) -> DocumentId {
            let ids = [self.sim.uuid(), self.sim.uuid()];
            let of = DocumentRef { kind: DocumentKind::SalesInvoice, id: DocumentId(ids[0]) };
            let line = DocumentLine {
                id: LineId(ids[1]),
                item: Some(ItemRef { id: Some(item.id), code: item.code.clone() }),
                description: "Goods".to_owned(),
                quantity,
                unit_amount: Money::ZERO,
                net: Money::ZERO,
                account: "200".to_owned(),
                unit: None,
                foreign_net: None,
            };
            let document = Document {
                of,
                number: ids[0].to_string(),
                reference: String::new(),
                status: DocumentStatus::Authorised,
                contact: self.customer.id,
                contact_name: self.customer.name.clone(),
                date: self.today(),
                expected_on: None,
                updated_at: self.sim.now(),
                lines: vec![line],
                in_advance: false,
                set_against: Vec::new(),
                foreign: None,
            };
            self.books.with(self.org, |company| company.documents.insert(of.id, document));
            of.id
        }
        fn void(&self, invoice: DocumentId) {
            let now = self.sim.now();
            self.books.with(self.org, |company| {
                let document = company.documents.get_mut(&invoice).unwrap();
                document.status = DocumentStatus::Voided;
                document.updated_at = now;
            });
        }
        fn attach(&self, bill: DocumentId, name: &str, content: &[u8]) {
            let file = (name.to_owned(), content.to_vec());
            self.books.with(self.org, |company| company.attached.entry(bill).or_default().push(file));
        }
        fn pass(&self, time: SignedDuration) {
            self.sim.pass(time);
        }
    }

    #[test]
    fn the_fake_books_conform() {
        run_alone(super::books::books(async || Shop::open()));
    }

    #[test]
    fn the_fake_store_conforms() {
        run_alone(super::store::store(async || FakeStore::new(sim())));
    }

    struct Queues {
        sim: Sim,
        queue: FakeQueue,
    }

    impl super::queue::Harness for Queues {
        type Queue = FakeQueue;
        fn queue(&self) -> &FakeQueue {
            &self.queue
        }
        async fn take(&self, queue: QueueName) -> Vec<String> {
            let delivered = self.queue.receive(queue, 10, SignedDuration::from_secs(30));
            for message in &delivered {
                self.queue.delete(queue, message.id);
            }
            delivered.into_iter().map(|message| message.body).collect()
        }
        async fn dead(&self, queue: QueueName) -> Vec<String> {
            self.queue.dead(queue).into_iter().map(|dead| dead.body).collect()
        }
        async fn pass(&self, time: SignedDuration) {
            self.sim.pass(time);
        }
    }

    #[test]
    fn the_fake_queue_conforms() {
        run_alone(super::queue::queue(async || {
            let sim = sim();
            Queues { queue: FakeQueue::new(sim.clone()), sim }
        }));
    }

    #[test]
    fn the_fake_mailer_and_chat_conform() {
        let mailer = FakeMailer::new(sim());
        run_alone(super::send::mailer(&mailer, async || {
            mailer.taken().into_iter().map(|mail| mail.what).collect()
        }));
        let chat = FakeChat::new(sim());
        run_alone(super::send::chat(&chat, async || {
            chat.taken().into_iter().map(|post| post.what.1).collect()
        }));
    }

    #[test]
    fn the_scheduler_conforms_as_clock_and_entropy() {
        let sim = sim();
        super::clock::clock(&sim);
        super::clock::entropy(&sim);
    }
}
