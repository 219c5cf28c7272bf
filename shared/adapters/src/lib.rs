//! Every port on real ground: DynamoDB, SQS, Xero, SES, secrets, Slack.

pub mod aws;
pub mod budget;
pub mod chat;
pub mod clock;
pub mod mailer;
pub mod queue;
pub mod store;
pub mod tokens;
pub mod vault;
pub mod webhook;

#[cfg(test)]
mod test_http;
#[cfg(test)]
mod test_store;
