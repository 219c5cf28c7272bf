//! The queues on SQS.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue, SendMessageBatchRequestEntry,
};
use futures::stream::{self, StreamExt, TryStreamExt};
use parstock_app::ports::{DELAY_SECONDS_MAX, Outgoing, Queue, QueueName, SendError};

use crate::aws::why;

/// Messages of one request (SQS: 10).
pub const BATCH_MESSAGES_MAX: usize = 10;
/// Bytes of all bodies of one request, so also of one message. SQS takes 1 MiB by now; queues made before may still
/// be set to the older 256 KiB.
pub const BATCH_BYTES_MAX: usize = 256 * 1024;
/// Times a message was received up to which it comes again soon when it is given back. What fails then has mostly met
/// another worker, which is over in seconds; what fails later waits for the queue's visibility time, as an outage does.
pub const SOON_RECEIVES_MAX: u32 = 2;
/// What "soon" is, in seconds.
const SOON_SECONDS: i32 = 30;
/// Requests under way at once, so that a large webhook is passed on well within its five seconds.
const REQUESTS_AT_ONCE: usize = 4;
/// The longest cause that is kept with a buried message, in characters.
const CAUSE_CHARS_MAX: usize = 1_000;
/// The attribute that holds the cause of a buried message.
pub const CAUSE_ATTRIBUTE: &str = "cause";

/// Where a queue and its dead-letter queue are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueAddress {
    /// The queue's URL.
    pub url: String,
    /// Its dead-letter queue's URL, for functions that bury messages.
    pub dead_letter_url: Option<String>,
}

/// SQS.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    addresses: BTreeMap<QueueName, QueueAddress>,
}

impl SqsQueue {
    /// Sends to these queues; to others it refuses.
    pub fn new(client: Client, addresses: BTreeMap<QueueName, QueueAddress>) -> Self {
        Self { client, addresses }
    }

    fn address(&self, queue: QueueName) -> Result<&QueueAddress, SendError> {
        let missing = || SendError::Refused(format!("this function is not given the {} queue", queue.code()));
        self.addresses.get(&queue).ok_or_else(missing)
    }

    /// Has messages that are given back come again soon. Without it they come after the queue's visibility time, so a
    /// failure is only told.
    pub async fn come_again_soon(&self, queue: QueueName, receipts: Vec<String>) {
        for batch in receipts.chunks(BATCH_MESSAGES_MAX) {
            if let Err(error) = self.show_soon(queue, batch).await {
                tracing::warn!(kind = queue.code(), why = %error, "messages come again late");
            }
        }
    }

    async fn show_soon(&self, queue: QueueName, receipts: &[String]) -> Result<(), SendError> {
        let url = &self.address(queue)?.url;
        let entries = receipts
            .iter()
            .enumerate()
            .map(|(at, receipt)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(receipt)
                    .visibility_timeout(SOON_SECONDS)
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| SendError::Refused(error.to_string()))?;
        let request = self.client.change_message_visibility_batch().queue_url(url);
        let answer = request.set_entries(Some(entries)).send().await;
        let failed = answer.map_err(|error| SendError::Retry(why(&error)))?.failed;
        match failed.first() {
            None => Ok(()),
            Some(entry) => {
                Err(SendError::Retry(format!("{} were not changed: {}", failed.len(), entry.code)))
            }
        }
    }

    async fn send_batch(&self, queue: QueueName, url: &str, batch: Vec<Outgoing>) -> Result<(), SendError> {
        let entries = batch
            .into_iter()
            .enumerate()
            .map(|(at, message)| {
                SendMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .message_body(message.body)
                    .delay_seconds(i32::try_from(message.delay_seconds).unwrap_or(i32::MAX))
                    .build()
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| SendError::Refused(error.to_string()))?;
        let answer = self.client.send_message_batch().queue_url(url).set_entries(Some(entries)).send().await;
        let failed = answer
            .map_err(|error| SendError::Retry(format!("queue {}: {}", queue.code(), why(&error))))?
            .failed;
        // It comes with HTTP 200: without this look the messages would be lost in silence.
        if failed.is_empty() {
            return Ok(());
        }
        let named: Vec<String> =
            failed.iter().map(|entry| format!("{} ({})", entry.id, entry.code)).collect();
        let told = format!("queue {} did not take the entries {}", queue.code(), named.join(", "));
        let ours = failed.iter().all(|entry| entry.sender_fault);
        Err(if ours { SendError::Refused(told) } else { SendError::Retry(told) })
    }
}

impl Queue for SqsQueue {
    async fn send(&self, queue: QueueName, messages: Vec<Outgoing>) -> Result<(), SendError> {
        let url = self.address(queue)?.url.as_str();
        let batches = batches(messages)?;
        let sent = batches.into_iter().map(|batch| self.send_batch(queue, url, batch));
        stream::iter(sent).buffer_unordered(REQUESTS_AT_ONCE).try_collect().await
    }

    async fn bury(&self, queue: QueueName, body: &str, cause: &str) -> Result<(), SendError> {
        let missing =
            || SendError::Refused(format!("this function is not given the dead letters of {}", queue.code()));
        let url = self.address(queue)?.dead_letter_url.as_deref().ok_or_else(missing)?;
        let cause = MessageAttributeValue::builder().data_type("String").string_value(short(cause)).build();
        let cause = cause.map_err(|error| SendError::Refused(error.to_string()))?;
        let request = self.client.send_message().queue_url(url).message_body(carried(body.to_owned()));
        let sent = request.message_attributes(CAUSE_ATTRIBUTE, cause).send().await;
        sent.map(drop)
            .map_err(|error| SendError::Retry(format!("dead letters of {}: {}", queue.code(), why(&error))))
    }
}

/// Splits messages into requests that SQS takes; the order stays.
fn batches(messages: Vec<Outgoing>) -> Result<Vec<Vec<Outgoing>>, SendError> {
    let mut batches: Vec<Vec<Outgoing>> = Vec::new();
    let mut bytes = 0_usize;
    for message in messages {
        let message = Outgoing { body: carried(message.body), ..message };
        let length = message.body.len();
        if length == 0 || length > BATCH_BYTES_MAX {
            return Err(SendError::Refused(format!(
                "a message of {length} bytes can't be queued: 1 to {BATCH_BYTES_MAX} are taken"
            )));
        }
        if message.delay_seconds > DELAY_SECONDS_MAX {
            return Err(SendError::Refused(format!(
                "a message can't be delayed by {} seconds: {DELAY_SECONDS_MAX} at most",
                message.delay_seconds
            )));
        }
        match batches.last_mut() {
            Some(batch)
                if batch.len() < BATCH_MESSAGES_MAX && bytes.saturating_add(length) <= BATCH_BYTES_MAX =>
            {
                batch.push(message);
                bytes = bytes.saturating_add(length);
            }
            _ => {
                batches.push(vec![message]);
                bytes = length;
            }
        }
    }
    Ok(batches)
}

/// The same JSON in characters that SQS takes: all of XML's, so not these two, which JSON can write as escapes.
/// Source: the API reference of `SendMessageBatch`.
fn carried(body: String) -> String {
    if body.contains(['\u{fffe}', '\u{ffff}']) {
        body.replace('\u{fffe}', "\\ufffe").replace('\u{ffff}', "\\uffff")
    } else {
        body
    }
}

/// A cause as an attribute takes it: not empty, not long, and without control characters.
fn short(cause: &str) -> String {
    let plain = |letter: char| {
        if letter.is_control() || matches!(letter, '\u{fffe}' | '\u{ffff}') { ' ' } else { letter }
    };
    let cut: String = cause.chars().take(CAUSE_CHARS_MAX).map(plain).collect();
    if cut.trim().is_empty() { "unknown".to_owned() } else { cut }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use jiff::SignedDuration;
    use parstock_tests::conformance;
    use serde_json::{Value, json};

    use super::*;
    use crate::test_http::{Canned, Seen, aws_config};

    /// The longest delay that SQS takes, in seconds. Source: the API reference of `SendMessageBatch`.
    const SQS_DELAY_SECONDS_MAX: u64 = 900;

    /// SQS as far as it is asked here, with a time of its own.
    #[derive(Default)]
    struct Sqs {
        now: SignedDuration,
        /// Bodies with the time from which on they can be received, by the last part of the queue's address.
        queues: BTreeMap<String, Vec<(SignedDuration, String)>>,
    }

    impl Sqs {
        fn answer(&mut self, seen: &Seen) -> (u16, String) {
            let request: Value = serde_json::from_slice(&seen.body).unwrap();
            let queue = request["QueueUrl"].as_str().unwrap().rsplit('/').next().unwrap();
            let entries = match seen.target.as_str() {
                "AmazonSQS.SendMessageBatch" => request["Entries"].as_array().unwrap().as_slice(),
                "AmazonSQS.SendMessage" => std::slice::from_ref(&request),
                other => panic!("nothing here asks for {other}"),
            };
            let body = |entry: &Value| entry["MessageBody"].as_str().unwrap().to_owned();
            let bytes: usize = entries.iter().map(|entry| body(entry).len()).sum();
            if entries.is_empty() || entries.len() > BATCH_MESSAGES_MAX || bytes > BATCH_BYTES_MAX {
                return (400, json!({"__type": "com.amazonaws.sqs#BatchRequestTooLong"}).to_string());
            }
            let (mut taken, mut failed) = (Vec::new(), Vec::new());
            for entry in entries {
                let delay = entry["DelaySeconds"].as_u64().unwrap_or_default();
                if delay > SQS_DELAY_SECONDS_MAX {
                    let code = "InvalidParameterValue";
                    failed.push(json!({"Id": entry["Id"], "Code": code, "SenderFault": true}));
                    continue;
                }
                let visible_at = self.now + SignedDuration::from_secs(i64::try_from(delay).unwrap());
                self.queues.entry(queue.to_owned()).or_default().push((visible_at, body(entry)));
                taken.push(json!({"Id": entry["Id"], "MessageId": "m", "MD5OfMessageBody": ""}));
            }
            (200, json!({"MessageId": "m", "Successful": taken, "Failed": failed}).to_string())
        }

        /// Takes what can be received now, as many as one call of SQS gives.
        fn receive(&mut self, queue: &str) -> Vec<String> {
            let waiting = self.queues.entry(queue.to_owned()).or_default();
            let visible = waiting.extract_if(.., |(visible_at, _)| *visible_at <= self.now);
            visible.take(BATCH_MESSAGES_MAX).map(|(_, body)| body).collect()
        }
    }

    struct Queues {
        queue: SqsQueue,
        sqs: Arc<Mutex<Sqs>>,
    }

    impl conformance::queue::Harness for Queues {
        type Queue = SqsQueue;
        fn queue(&self) -> &SqsQueue {
            &self.queue
        }
        async fn take(&self, queue: QueueName) -> Vec<String> {
            self.sqs.lock().unwrap().receive(queue.code())
        }
        async fn dead(&self, queue: QueueName) -> Vec<String> {
            self.sqs.lock().unwrap().receive(&format!("{}-dead", queue.code()))
        }
        async fn pass(&self, time: SignedDuration) {
            self.sqs.lock().unwrap().now += time;
        }
    }

    #[tokio::test]
    async fn the_queues_on_sqs_conform() {
        conformance::queue::queue(async || {
            let sqs = Arc::<Mutex<Sqs>>::default();
            let played = Arc::clone(&sqs);
            let http = Canned::playing(move |seen| Some(played.lock().unwrap().answer(seen)));
            let url = |name: String| format!("https://sqs.eu-west-1.amazonaws.com/1/{name}");
            let address = |queue: QueueName| QueueAddress {
                url: url(queue.code().to_owned()),
                dead_letter_url: Some(url(format!("{}-dead", queue.code()))),
            };
            let addresses = [QueueName::Events, QueueName::Work, QueueName::Effects];
            let addresses = addresses.into_iter().map(|queue| (queue, address(queue))).collect();
            Queues { queue: SqsQueue::new(Client::new(&aws_config(&http)), addresses), sqs }
        })
        .await;
    }

    fn messages(sizes: &[usize]) -> Vec<Outgoing> {
        sizes.iter().map(|size| Outgoing::now("x".repeat(*size))).collect()
    }

    #[test]
    fn requests_hold_at_most_ten_messages_and_256_kib() {
        let sizes = |batches: Vec<Vec<Outgoing>>| -> Vec<Vec<usize>> {
            batches.iter().map(|batch| batch.iter().map(|message| message.body.len()).collect()).collect()
        };
        assert!(batches(Vec::new()).unwrap().is_empty());
        let many = sizes(batches(messages(&[1; 23])).unwrap());
        assert_eq!(many.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 3]);
        let half = BATCH_BYTES_MAX / 2;
        assert_eq!(sizes(batches(messages(&[half, half, 1])).unwrap()), [vec![half, half], vec![1]]);
        assert!(batches(messages(&[BATCH_BYTES_MAX])).is_ok());
        assert!(matches!(batches(messages(&[1, BATCH_BYTES_MAX + 1])), Err(SendError::Refused(_))));
        assert!(matches!(batches(messages(&[0])), Err(SendError::Refused(_))));
    }

    #[test]
    fn characters_that_sqs_refuses_are_written_as_escapes_of_the_same_text() {
        let body = serde_json::to_string("a\u{fffe}\u{ffff}b").unwrap();
        let sent = carried(body.clone());
        assert!(!sent.contains(['\u{fffe}', '\u{ffff}']));
        assert_eq!(
            serde_json::from_str::<String>(&sent).unwrap(),
            serde_json::from_str::<String>(&body).unwrap()
        );
        assert_eq!(short("\u{1}\n"), "unknown");
        assert_eq!(short(&"é".repeat(CAUSE_CHARS_MAX + 1)).chars().count(), CAUSE_CHARS_MAX);
    }

    fn queue(http: &Canned) -> SqsQueue {
        let address = QueueAddress {
            url: "https://sqs.eu-west-1.amazonaws.com/1/events".into(),
            dead_letter_url: Some("https://sqs.eu-west-1.amazonaws.com/1/events-dead".into()),
        };
        SqsQueue::new(Client::new(&aws_config(http)), BTreeMap::from([(QueueName::Events, address)]))
    }

    #[tokio::test]
    async fn an_entry_that_is_not_taken_is_an_error_although_the_answer_is_200() {
        let cases = [(false, "InternalError", "retry"), (true, "InvalidMessageContents", "refused")];
        for (sender_fault, code, expected) in cases {
            let http = Canned::new([(
                200,
                format!(
                    r#"{{"Successful":[{{"Id":"0","MessageId":"m","MD5OfMessageBody":"{md5}"}}],"Failed":[{{"Id":"1","SenderFault":{sender_fault},"Code":"{code}"}}]}}"#,
                    md5 = "9dd4e461268c8034f5c8564e155c67a6"
                ),
            )]);
            let error = queue(&http).send(QueueName::Events, messages(&[1, 2])).await.unwrap_err();
            let kind = match &error {
                SendError::Retry(_) => "retry",
                SendError::Refused(_) => "refused",
                SendError::Unknown(_) => "unknown",
            };
            assert_eq!(kind, expected);
            assert!(error.to_string().contains(&format!("1 ({code})")), "{error}");
        }
    }

    #[tokio::test]
    async fn a_buried_message_takes_its_cause_to_the_dead_letters() {
        let http = Canned::new([(200, r#"{"MessageId":"m"}"#.to_owned())]);
        queue(&http).bury(QueueName::Events, "{}", "no such org").await.unwrap();
        let sent = http.requests().remove(0);
        let body: Value = serde_json::from_slice(&sent.body).unwrap();
        assert_eq!(body["QueueUrl"], "https://sqs.eu-west-1.amazonaws.com/1/events-dead");
        assert_eq!(body["MessageAttributes"]["cause"]["StringValue"], "no such org");
    }

    #[tokio::test]
    async fn a_queue_that_the_function_is_not_given_is_named() {
        let http = Canned::new([]);
        let error = queue(&http).send(QueueName::Work, messages(&[1])).await.unwrap_err();
        assert!(error.to_string().contains("work"), "{error}");
    }
}
