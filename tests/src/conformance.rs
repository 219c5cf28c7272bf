//! One suite per port, for every implementation: what use cases may rely on.
//!
//! Each suite is a generic async function; a fake runs it here, a real adapter beside its own code.

pub mod clock;
pub mod queue;
pub mod samples;
pub mod send;
pub mod store;

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use parstock_app::ports::QueueName;

    use crate::mail::{FakeChat, FakeMailer};
    use crate::queue::FakeQueue;
    use crate::scheduler::{Sim, run_alone};
    use crate::store::FakeStore;

    fn sim() -> Sim {
        Sim::new(1, Timestamp::UNIX_EPOCH)
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
        run_alone(super::send::chat(&chat));
    }

    #[test]
    fn the_scheduler_conforms_as_clock_and_entropy() {
        let sim = sim();
        super::clock::clock(&sim);
        super::clock::entropy(&sim);
    }
}
