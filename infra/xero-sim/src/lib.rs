//! A stateful Xero for development.

pub mod act;
pub mod demo;
mod error;
mod ids;
pub mod retail;
mod settings;
mod state;
