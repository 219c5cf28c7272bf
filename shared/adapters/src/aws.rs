//! How AWS calls are made and how their errors are told.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

/// How long reaching a service may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long one call may take, its repeats included: less than the 29 seconds of a request from outside.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// Tries of one call; what is left over is the queue's to repeat.
const ATTEMPTS_MAX: u32 = 3;

/// Region and credentials as the machine offers them, with our limits.
pub async fn sdk_config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .timeout_config(
            TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_timeout(CALL_TIMEOUT).build(),
        )
        .retry_config(RetryConfig::standard().with_max_attempts(ATTEMPTS_MAX))
        .load()
        .await
}

/// What went wrong, in the service's words where it said any, without the request.
pub fn why<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> String {
    let service = error.as_service_error();
    match service.map(|error| (error.code(), error.message())) {
        Some((Some(code), Some(message))) => format!("{code}: {message}"),
        Some((Some(code), None)) => code.to_owned(),
        Some((None, _)) => "the service answered with an error that it did not name".to_owned(),
        None => kind(error).to_owned(),
    }
}

/// Whether the call surely never reached the service.
pub(crate) fn never_sent<E, R>(error: &SdkError<E, R>) -> bool {
    match error {
        SdkError::ConstructionFailure(_) => true,
        SdkError::DispatchFailure(failure) => {
            failure.as_connector_error().is_some_and(|error| error.is_user())
        }
        _ => false,
    }
}

fn kind<E, R>(error: &SdkError<E, R>) -> &'static str {
    match error {
        SdkError::ConstructionFailure(_) => "the request could not be built",
        SdkError::TimeoutError(_) => "no answer in time",
        SdkError::DispatchFailure(_) => "the service could not be reached",
        SdkError::ResponseError(_) => "the answer could not be read",
        _ => "the call failed",
    }
}
