//! State in one DynamoDB table: in AWS, and on one machine in an emulator inside the process.
//!
//! - [`keys`]: typed keys as strings, and back.
//! - `row`: records as attributes, and back.
//! - [`dynamo`]: the store over the AWS SDK.
//! - `embedded`: the same store without a network, where the feature of this name is on.
//! - [`units`]: what reads and writes cost.

pub mod dynamo;
#[cfg(feature = "embedded")]
pub mod embedded;
pub mod keys;
mod row;
pub mod units;

pub use dynamo::DynamoStore;

#[cfg(test)]
mod sale;
#[cfg(test)]
mod tests;
