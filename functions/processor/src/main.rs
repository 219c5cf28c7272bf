//! The processor function: batches of the three queues.

use std::collections::BTreeMap;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use parstock_adapters::config::Config;
use parstock_adapters::logs;
use parstock_adapters::ports::{Production, production};
use parstock_adapters::queue::SOON_RECEIVES_MAX;
use parstock_app::process::{self, Received};

#[tokio::main]
async fn main() -> Result<(), Error> {
    let config = Config::from_env()?;
    logs::start("processor", &config.stack);
    let ports = production(&config).await;
    run(service_fn(async |event: LambdaEvent<SqsEvent>| batch(&config, &ports, event.payload).await)).await
}

async fn batch(config: &Config, ports: &Production, event: SqsEvent) -> Result<SqsBatchResponse, Error> {
    let mut response = SqsBatchResponse::default();
    // A batch is always of one queue.
    let Some(arn) = event.records.first().and_then(|record| record.event_source_arn.clone()) else {
        return Ok(response);
    };
    let queue = config.queue_of(&arn).ok_or("the batch is of a queue that the settings don't name")?;
    let receipts: BTreeMap<_, _> = event.records.iter().filter_map(receipt_soon).collect();
    let records = event.records.into_iter().map(received).collect::<Result<Vec<_>, _>>()?;
    let back = process::batch(ports, queue, records).await;
    let soon = back.iter().filter_map(|record| receipts.get(&record.id).cloned()).collect();
    ports.queue.come_again_soon(queue, soon).await;
    response.set_failures(back.into_iter().map(|record| record.id));
    Ok(response)
}

fn receives(message: &SqsMessage) -> u32 {
    let receives = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
    receives.unwrap_or(1)
}

/// Id and receipt of a record that comes again soon if it is given back.
fn receipt_soon(message: &SqsMessage) -> Option<(String, String)> {
    let is_soon = receives(message) <= SOON_RECEIVES_MAX;
    is_soon.then_some(message.message_id.clone().zip(message.receipt_handle.clone())).flatten()
}

/// A record without an id could not be given back by itself, so the whole batch is.
fn received(message: SqsMessage) -> Result<Received, Error> {
    let receives = receives(&message);
    Ok(Received {
        id: message.message_id.ok_or("a record has no id")?,
        body: message.body.unwrap_or_default(),
        receives,
    })
}
