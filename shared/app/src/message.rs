//! Messages between the functions, in an envelope with CloudEvents' names.

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::ids::{EffectId, ItemId, OrgId};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use uuid::Uuid;

/// Items that one message asks to plan.
pub const PLAN_ITEMS_MAX: usize = 100;

/// A webhook's hint, as Xero sent it: something may have changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hint {
    /// Xero's tenant id.
    pub tenant: Uuid,
    /// `INVOICE`, `CREDITNOTE`, `CONTACT`, … kept as written.
    pub category: String,
    /// `CREATE` or `UPDATE`.
    pub event_type: String,
    /// The id of what changed.
    pub resource: Uuid,
}

/// What a message asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", content = "data")]
pub enum Message {
    /// Events queue: look at what a webhook named.
    #[serde(rename = "xero.hint.v1")]
    Hint(Hint),
    /// Events queue: compare the org's documents and items with our copy.
    #[serde(rename = "parstock.sync.v1")]
    Sync {
        /// The org.
        org: OrgId,
    },
    /// Events queue: serve the hints that wait.
    #[serde(rename = "parstock.waiting.v1")]
    Waiting {
        /// The org.
        org: OrgId,
    },
    /// Work queue: read the next part of the org's history.
    #[serde(rename = "parstock.backfill.v1")]
    Backfill {
        /// The org.
        org: OrgId,
    },
    /// Work queue: plan these items, at most [`PLAN_ITEMS_MAX`].
    #[serde(rename = "parstock.plan.v1")]
    Plan {
        /// The org.
        org: OrgId,
        /// The items.
        items: Vec<ItemId>,
    },
    /// Work queue: plan the items that changed.
    #[serde(rename = "parstock.plan_touched.v1")]
    PlanTouched {
        /// The org.
        org: OrgId,
    },
    /// Work queue: plan all items, this chunk of them.
    #[serde(rename = "parstock.plan_all.v1")]
    PlanAll {
        /// The org.
        org: OrgId,
        /// The org's civil day.
        day: Date,
        /// The item after which the chunk begins.
        after: Option<ItemId>,
    },
    /// Work queue: turn what plans want into proposals.
    #[serde(rename = "parstock.propose.v1")]
    Propose {
        /// The org.
        org: OrgId,
    },
    /// Work queue: check the next part of the org's audit trail.
    #[serde(rename = "parstock.check_audit.v1")]
    CheckAudit {
        /// The org.
        org: OrgId,
        /// Whether to begin anew at the first entry; else it goes on where the last check ended.
        whole: bool,
    },
    /// Work queue: make the proof of the org's day.
    #[serde(rename = "parstock.reconcile.v1")]
    Reconcile {
        /// The org.
        org: OrgId,
    },
    /// Work queue: put down what closed months report.
    #[serde(rename = "parstock.close.v1")]
    Close {
        /// The org.
        org: OrgId,
    },
    /// Work queue: decide the day's journals of cost of goods sold.
    #[serde(rename = "parstock.journal.v1")]
    Journal {
        /// The org.
        org: OrgId,
    },
    /// Effects queue: carry out an effect.
    #[serde(rename = "parstock.effect.v1")]
    Effect {
        /// The org.
        org: OrgId,
        /// The effect.
        effect: EffectId,
    },
    /// Effects queue: tell people the warnings that wait.
    #[serde(rename = "parstock.alerts.v1")]
    Alerts {
        /// The org.
        org: OrgId,
    },
    /// Effects queue: put the org's digest together.
    #[serde(rename = "parstock.digest.v1")]
    Digest {
        /// The org.
        org: OrgId,
    },
}

impl Message {
    /// Its org; a hint names a tenant instead.
    pub const fn org(&self) -> Option<OrgId> {
        match self {
            Self::Hint(_) => None,
            Self::Sync { org }
            | Self::Waiting { org }
            | Self::Backfill { org }
            | Self::Plan { org, .. }
            | Self::PlanTouched { org }
            | Self::PlanAll { org, .. }
            | Self::Propose { org }
            | Self::CheckAudit { org, .. }
            | Self::Reconcile { org }
            | Self::Close { org }
            | Self::Journal { org }
            | Self::Effect { org, .. }
            | Self::Alerts { org }
            | Self::Digest { org } => Some(*org),
        }
    }

    /// What it asks for, in one word for the log.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Hint(_) => "hint",
            Self::Sync { .. } => "sync",
            Self::Waiting { .. } => "waiting",
            Self::Backfill { .. } => "backfill",
            Self::Plan { .. } => "plan",
            Self::PlanTouched { .. } => "plan_touched",
            Self::PlanAll { .. } => "plan_all",
            Self::Propose { .. } => "propose",
            Self::CheckAudit { .. } => "check_audit",
            Self::Reconcile { .. } => "reconcile",
            Self::Close { .. } => "close",
            Self::Journal { .. } => "journal",
            Self::Effect { .. } => "effect",
            Self::Alerts { .. } => "alerts",
            Self::Digest { .. } => "digest",
        }
    }
}

/// A message in its envelope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// CloudEvents' version.
    pub specversion: SpecVersion,
    /// The message's id.
    pub id: Uuid,
    /// Who sent it: `/parstock/<function>`.
    pub source: String,
    /// When.
    pub time: Timestamp,
    /// What it asks for.
    #[serde(flatten)]
    pub message: Message,
}

/// The one version of the envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum SpecVersion {
    /// CloudEvents 1.0.
    #[serde(rename = "1.0")]
    V1,
}

/// A body that is no message of ours.
#[derive(Debug, Error)]
#[error("not a parstock message: {0}")]
pub struct NotAMessage(#[from] serde_json::Error);

impl Envelope {
    /// Puts a message into an envelope.
    pub fn new(message: Message, id: Uuid, source: &str, time: Timestamp) -> Self {
        Self { specversion: SpecVersion::V1, id, source: source.to_owned(), time, message }
    }

    /// As the body of a queue's message.
    ///
    /// # Errors
    /// When it can't be written as JSON, which would be a bug.
    pub fn to_body(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// From the body of a queue's message.
    ///
    /// # Errors
    /// [`NotAMessage`] says where the body goes wrong.
    pub fn from_body(body: &str) -> Result<Self, NotAMessage> {
        Ok(serde_json::from_str(body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_reads_back_from_its_stored_form() {
        let stored = r#"{"specversion":"1.0","id":"00000000-0000-0000-0000-000000000001","source":"/parstock/webhook","time":"2026-11-22T08:00:00Z","type":"xero.hint.v1","data":{"tenant":"00000000-0000-0000-0000-000000000002","category":"INVOICE","event_type":"UPDATE","resource":"00000000-0000-0000-0000-000000000003"}}"#;
        let envelope = Envelope::from_body(stored).unwrap();
        assert_eq!(envelope.to_body().unwrap(), stored);
        assert!(Envelope::from_body("{}").is_err());
    }
}
