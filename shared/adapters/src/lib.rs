//! Every port on real ground: DynamoDB, SQS, Xero, SES, secrets, Slack.

pub mod aws;
pub mod books;
pub mod budget;
pub mod chat;
pub mod clock;
pub mod config;
pub mod consent;
pub mod logs;
pub mod mailer;
mod papers;
pub mod ports;
pub mod queue;
pub mod store;
pub mod tokens;
mod translate;
pub mod vault;
pub mod webhook;

#[cfg(test)]
mod test_http;
#[cfg(test)]
mod test_mail;
#[cfg(test)]
mod test_store;
