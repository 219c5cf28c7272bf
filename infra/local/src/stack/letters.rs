//! What waits in a stack's queues, and its dead letters.
//!
//! SQS can't list messages: who looks at them receives them. They are given back at once; whoever looks at the same
//! moment may miss some.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, Message, MessageSystemAttributeName, QueueAttributeName,
};
use jiff::Timestamp;
use parstock_adapters::queue::{BATCH_MESSAGES_MAX, CAUSE_ATTRIBUTE, QueueAddress};
use parstock_app::ports::QueueName;

use super::trouble;
use crate::error::LocalError;
use crate::place::{Letter, no_letter};

/// Dead letters of one queue that are looked at.
const LETTERS_MAX: usize = 1_000;
/// For how long a letter that is looked at is seen by nobody else, in seconds.
const LOOK_SECONDS: i32 = 60;
/// How long to wait for letters, in seconds: more than none, so that all of the queue's servers are asked.
const WAIT_SECONDS: i32 = 1;
/// The cause of a letter that the queue itself gave up.
const NO_CAUSE: &str = "handed out too often without an end";

type Addresses = BTreeMap<QueueName, QueueAddress>;

/// How many messages wait in a queue, those in work included.
pub async fn waiting(client: &Client, addresses: &Addresses, queue: QueueName) -> Result<u64, LocalError> {
    const COUNTED: [QueueAttributeName; 3] = [
        QueueAttributeName::ApproximateNumberOfMessages,
        QueueAttributeName::ApproximateNumberOfMessagesDelayed,
        QueueAttributeName::ApproximateNumberOfMessagesNotVisible,
    ];
    let url = &address(addresses, queue)?.url;
    let asked = client.get_queue_attributes().queue_url(url).set_attribute_names(Some(COUNTED.to_vec()));
    let answer = asked.send().await.map_err(|error| failed(&error))?;
    let attributes = answer.attributes.unwrap_or_default();
    let count = |name: &QueueAttributeName| attributes.get(name).and_then(|count| count.parse::<u64>().ok());
    Ok(COUNTED.iter().filter_map(count).sum())
}

/// A letter in hand.
struct Held {
    letter: Letter,
    queue: QueueName,
    handle: String,
}

/// The dead letters of all queues, the oldest first.
pub async fn list(client: &Client, addresses: &Addresses) -> Result<Vec<Letter>, LocalError> {
    let held = receive_all(client, addresses).await?;
    give_back(client, addresses, &held).await?;
    Ok(held.into_iter().map(|held| held.letter).collect())
}

/// Takes letters away, and sends them again first if `again` says so: one that is sent twice does no harm.
pub async fn take(
    client: &Client,
    addresses: &Addresses,
    ids: &[String],
    again: bool,
) -> Result<u64, LocalError> {
    let held = receive_all(client, addresses).await?;
    let known: BTreeSet<&String> = held.iter().map(|held| &held.letter.id).collect();
    if let Some(unknown) = ids.iter().find(|id| !known.contains(id)) {
        give_back(client, addresses, &held).await?;
        return Err(no_letter(unknown));
    }
    let (meant, others): (Vec<Held>, Vec<Held>) =
        held.into_iter().partition(|held| ids.contains(&held.letter.id));
    give_back(client, addresses, &others).await?;
    let mut taken = 0;
    for held in meant {
        let address = address(addresses, held.queue)?;
        if again {
            let send = client.send_message().queue_url(&address.url).message_body(&held.letter.body);
            send.send().await.map_err(|error| failed(&error))?;
        }
        let delete = client.delete_message().queue_url(dead(address)?).receipt_handle(&held.handle);
        delete.send().await.map_err(|error| failed(&error))?;
        taken += 1;
    }
    Ok(taken)
}

async fn receive_all(client: &Client, addresses: &Addresses) -> Result<Vec<Held>, LocalError> {
    let mut all = Vec::new();
    for (queue, address) in addresses {
        let mut of_queue: BTreeMap<String, Held> = BTreeMap::new();
        while of_queue.len() < LETTERS_MAX {
            let receive = client
                .receive_message()
                .queue_url(dead(address)?)
                .max_number_of_messages(i32::try_from(BATCH_MESSAGES_MAX).unwrap_or(i32::MAX))
                .visibility_timeout(LOOK_SECONDS)
                .wait_time_seconds(WAIT_SECONDS)
                .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
                .message_attribute_names(CAUSE_ATTRIBUTE);
            let messages = receive.send().await.map_err(|error| failed(&error))?.messages.unwrap_or_default();
            let before = of_queue.len();
            // one may come twice: its latest handle counts
            of_queue.extend(
                messages
                    .into_iter()
                    .filter_map(|message| held(*queue, message).map(|held| (held.letter.id.clone(), held))),
            );
            if of_queue.len() == before {
                break;
            }
        }
        all.extend(of_queue.into_values());
    }
    all.sort_by_key(|held| held.letter.at);
    Ok(all)
}

fn held(queue: QueueName, message: Message) -> Option<Held> {
    let sent_at = message
        .attributes()
        .and_then(|attributes| attributes.get(&MessageSystemAttributeName::SentTimestamp))
        .and_then(|millis| Timestamp::from_millisecond(millis.parse().ok()?).ok());
    let cause = message
        .message_attributes()
        .and_then(|attributes| attributes.get(CAUSE_ATTRIBUTE))
        .and_then(|cause| cause.string_value())
        .unwrap_or(NO_CAUSE)
        .to_owned();
    let letter = Letter {
        id: message.message_id?,
        queue: queue.code().to_owned(),
        body: message.body.unwrap_or_default(),
        cause,
        at: sent_at.unwrap_or_default(),
    };
    Some(Held { letter, queue, handle: message.receipt_handle? })
}

/// Lets others see letters again at once.
async fn give_back(client: &Client, addresses: &Addresses, letters: &[Held]) -> Result<(), LocalError> {
    for (queue, address) in addresses {
        let of_queue: Vec<&Held> = letters.iter().filter(|held| held.queue == *queue).collect();
        for batch in of_queue.chunks(BATCH_MESSAGES_MAX) {
            let entries = batch.iter().enumerate().map(|(at, held)| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(at.to_string())
                    .receipt_handle(&held.handle)
                    .visibility_timeout(0)
                    .build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(LocalError::outside)?;
            let change = client.change_message_visibility_batch().queue_url(dead(address)?);
            change.set_entries(Some(entries)).send().await.map_err(|error| failed(&error))?;
        }
    }
    Ok(())
}

fn address(addresses: &Addresses, queue: QueueName) -> Result<&QueueAddress, LocalError> {
    addresses
        .get(&queue)
        .ok_or_else(|| LocalError::Outside(format!("the stack has no queue {}", queue.code())))
}

fn dead(address: &QueueAddress) -> Result<&str, LocalError> {
    let missing = || LocalError::Outside(format!("{} has no dead-letter queue", address.url));
    address.dead_letter_url.as_deref().ok_or_else(missing)
}

fn failed<E: aws_sdk_sqs::error::ProvideErrorMetadata, R>(
    error: &aws_sdk_sqs::error::SdkError<E, R>,
) -> LocalError {
    trouble::told("use the stack's queues", "its region", error)
}
