//! What stands between a person and a stack, in words that say what to do.

use aws_config::SdkConfig;
use aws_credential_types::provider::ProvideCredentials;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_cloudformation::operation::describe_stacks::DescribeStacksError;
use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use parstock_adapters::aws::why;

use crate::error::LocalError;

/// How to hand over a sign-in that only the AWS command line understands.
const HAND_OVER: &str = "eval \"$(aws configure export-credentials --format env)\"";

/// The region, once there are credentials as well.
///
/// # Errors
/// [`LocalError::Input`] when either is missing.
pub async fn region_of(sdk: &SdkConfig) -> Result<String, LocalError> {
    let region = sdk.region().map(ToString::to_string).ok_or_else(|| {
        LocalError::Input(
            "no AWS region is set: set AWS_REGION to the region that the stack was deployed to, or `region` in \
             ~/.aws/config"
                .to_owned(),
        )
    })?;
    let provider = sdk.credentials_provider().ok_or_else(|| no_credentials("none are configured"))?;
    provider.provide_credentials().await.map_err(|error| no_credentials(&chain(&error)))?;
    Ok(region)
}

fn no_credentials(why: &str) -> LocalError {
    LocalError::Input(format!(
        "no AWS credentials can be used ({why}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; after \
         a sign-in with `aws sso login` or `aws login` run {HAND_OVER}"
    ))
}

/// An error with what caused it.
fn chain(error: &CredentialsError) -> String {
    let mut words = vec![error.to_string()];
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push(error.to_string());
        cause = error.source();
    }
    words.dedup();
    words.join(": ")
}

/// Whether AWS knows no stack of this name.
pub fn is_unknown_stack<R>(error: &SdkError<DescribeStacksError, R>) -> bool {
    error.as_service_error().is_some_and(|error| {
        error.code() == Some("ValidationError")
            && error.message().is_some_and(|message| message.contains("does not exist"))
    })
}

/// Why a call failed, and whose turn it is.
pub fn told<E: ProvideErrorMetadata, R>(doing: &str, region: &str, error: &SdkError<E, R>) -> LocalError {
    let code = error.as_service_error().and_then(ProvideErrorMetadata::code).unwrap_or_default();
    let why = why(error);
    match code {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => LocalError::Input(format!(
            "the AWS credentials have expired: sign in again, then run {HAND_OVER}"
        )),
        "InvalidClientTokenId" | "UnrecognizedClientException" | "AuthFailure" | "InvalidAccessKeyId" => {
            LocalError::Input(format!(
                "AWS does not know these credentials: check AWS_PROFILE, or sign in again and run {HAND_OVER}"
            ))
        }
        "SignatureDoesNotMatch" | "InvalidSignatureException" | "IncompleteSignature" => {
            LocalError::Input(format!(
                "AWS does not take the signature ({why}): check the secret key, and this machine's clock"
            ))
        }
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            LocalError::Input(format!("these AWS credentials may not {doing}: {why}"))
        }
        "ValidationError" => LocalError::Input(format!("AWS refuses to {doing}: {why}")),
        _ => LocalError::Outside(format!("AWS did not {doing} in {region}: {why}; try again")),
    }
}
