//! A stateful Xero for development.

pub mod act;
pub mod demo;
pub mod retail;
