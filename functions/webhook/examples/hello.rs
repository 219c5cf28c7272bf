//! The least that a Lambda function can be: what the webhook's cold start is measured beside.

use lambda_http::lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(async |_: LambdaEvent<String>| Ok::<_, Error>("hello"))).await
}
