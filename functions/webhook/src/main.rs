//! The webhook function: verify, enqueue, answer. It touches neither the database nor Xero.

use std::sync::Arc;

use lambda_http::{Body, Error, Request, Response, run, service_fn};
use parstock_adapters::aws::sdk_config;
use parstock_adapters::clock::{RandomIds, WallClock};
use parstock_adapters::config::WebhookConfig;
use parstock_adapters::logs;
use parstock_adapters::queue::SqsQueue;
use parstock_adapters::vault::SecretsManagerVault;
use parstock_adapters::webhook::{Answer, SigningKeys};
use parstock_app::figures::{Figure, announce};

/// The header with Xero's signature.
const SIGNATURE: &str = "x-xero-signature";

struct Ports {
    queue: SqsQueue,
    keys: SigningKeys<SecretsManagerVault<WallClock>>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let config = WebhookConfig::from_env()?;
    logs::start("webhook", &config.stack);
    let sdk = sdk_config().await;
    let ports = Ports {
        queue: SqsQueue::new(aws_sdk_sqs::Client::new(&sdk), config.queues),
        keys: SigningKeys::new(Arc::new(SecretsManagerVault::new(
            aws_sdk_secretsmanager::Client::new(&sdk),
            config.secret_prefix,
            Arc::new(WallClock),
        ))),
    };
    run(service_fn(async |request: Request| answer(&ports, &request).await)).await
}

async fn answer(ports: &Ports, request: &Request) -> Result<Response<Body>, Error> {
    let signature = request.headers().get(SIGNATURE).and_then(|value| value.to_str().ok());
    let body = request.body().as_ref();
    let answer = ports.keys.answer(signature, body, &ports.queue, &WallClock, &RandomIds).await;
    if answer == Answer::BadSignature {
        announce(Figure::WebhookRefused, 1);
    }
    Ok(Response::builder().status(answer.status()).body(Body::Empty)?)
}
