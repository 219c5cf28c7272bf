//! What people read: digests, mails and pages. Plain values in, text out, and every escape in one crate.
//!
//! Nothing here reads a store or a clock: [`digest::DigestContent`], [`alert::AlertContent`] and the
//! structs of [`pages`] are filled by the use cases. [`text`] holds the escapes, [`format`] the way
//! money, quantities and days are written, [`chart`] the small pictures.
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]

use thiserror::Error;

pub mod alert;
pub mod chart;
pub mod digest;
pub mod format;
pub mod pages;
pub mod sign_in;
mod slack;
mod standing;
pub mod text;

pub use standing::StandingGroup;

/// Why something could not be put into words. Each is a bug here, not in what was given.
#[derive(Debug, Error)]
pub enum RenderError {
    /// A template failed.
    #[error("a template could not be filled")]
    Template(#[from] askama::Error),
    /// A picture failed.
    #[error("a chart could not be drawn")]
    Picture(#[from] png::EncodingError),
    /// Slack's JSON failed.
    #[error("the Slack message could not be written")]
    Slack(#[from] serde_json::Error),
}
