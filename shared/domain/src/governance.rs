//! Proposals, who decides on them, and what is allowed to leave.

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::audit::Hash;
use crate::fixed::{FixedError, Money, Quantity};
use crate::ids::{ContactId, DocumentId, EffectId, ItemId, LocationId, OrgId, ProposalId, derived};
use crate::units::PurchaseUnit;

/// What parstock may do in Xero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Look, count, warn and propose; write nothing to Xero.
    #[default]
    Observe,
    /// As observe, and what a person approved becomes a DRAFT in Xero.
    Assist,
}

/// How an order counts an item for its supplier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderedBy {
    /// By what.
    pub unit: PurchaseUnit,
    /// Price of one of these, base currency.
    pub price: Money,
}

/// One line of a proposed order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalLine {
    /// The item.
    pub item: ItemId,
    /// Its code when proposed.
    pub code: String,
    /// Its name when proposed.
    pub name: String,
    /// For which location.
    pub location: LocationId,
    /// How much to order, in base units.
    pub quantity: Quantity,
    /// Price of one unit: the last bill's, else the item's purchase price.
    pub unit_price: Money,
    /// How the supplier counts it, where that is not by the base unit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<OrderedBy>,
    /// Why, in one sentence with its figures.
    pub reason: String,
    /// The figures behind the reason, by name, so that it can be recomputed.
    pub inputs: std::collections::BTreeMap<String, String>,
}

/// Where a proposal stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum ProposalState {
    /// Waiting for a person; planning may still change it.
    Open,
    /// A person said yes; the effect is under way.
    Approved {
        /// The approval.
        approval: Approval,
        /// The effect that carries it out.
        effect: EffectId,
    },
    /// It is in Xero.
    Done {
        /// The approval.
        approval: Approval,
        /// The purchase order in Xero.
        order: DocumentId,
    },
    /// Xero refused it, or a person must look.
    Failed {
        /// The approval.
        approval: Approval,
        /// Why, and what to do.
        reason: String,
    },
    /// A person said no.
    Rejected {
        /// Who.
        who: String,
        /// When.
        at: Timestamp,
        /// Why, in their words.
        reason: String,
    },
    /// Nothing is wanted from this supplier any more.
    Withdrawn {
        /// When.
        at: Timestamp,
    },
}

/// A yes of a person to exactly these contents. Whatever writes to Xero takes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// What was approved.
    pub proposal: ProposalId,
    /// The contents that were shown, by hash.
    pub contents: Hash,
    /// Who.
    pub who: String,
    /// When.
    pub at: Timestamp,
    /// The number of the order in Xero, fixed before the first try: by it an order is found again.
    pub order_number: String,
}

/// An order that parstock proposes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proposal {
    /// Its id; the order's number derives from it.
    pub id: ProposalId,
    /// The supplier.
    pub supplier: ContactId,
    /// The supplier's name when proposed.
    pub supplier_name: String,
    /// Day of the plan that it follows.
    pub planned_on: Date,
    /// When the goods are wanted.
    pub wanted_on: Date,
    /// When it was first proposed.
    pub proposed_at: Timestamp,
    /// Its lines.
    pub lines: Vec<ProposalLine>,
    /// Where it stands.
    pub status: ProposalState,
}

/// Why a decision can't be taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum DecisionError {
    /// Planning changed it since it was shown.
    #[error("the proposal has changed since it was shown: look at it again before you decide")]
    Changed,
    /// Somebody decided already.
    #[error("the proposal is no longer open: it is {0}")]
    NotOpen(&'static str),
    /// The org only observes.
    #[error(
        "the organisation is in phase observe, which writes nothing to Xero: set the phase to assist first"
    )]
    Observing,
    /// A rejection without a reason.
    #[error("say in a few words why the proposal is rejected")]
    NoReason,
}

impl ProposalLine {
    /// How much is ordered, as people say it: also as the supplier counts it.
    pub fn said(&self) -> String {
        let by = self.by.as_ref().and_then(|by| by.unit.said(self.quantity).ok());
        by.unwrap_or_else(|| self.quantity.to_string())
    }

    /// What the line costs, base currency, in cents.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn cost(&self) -> Result<Money, FixedError> {
        let cost = match &self.by {
            Some(by) => by.price.part(self.quantity, by.unit.holds)?,
            None => self.quantity.at(self.unit_price)?,
        };
        Ok(cost.to_cents())
    }
}

impl Proposal {
    /// A new proposal's id: the same plan of the same day gives the same.
    pub fn new_id(org: OrgId, supplier: ContactId, planned_at: Timestamp) -> ProposalId {
        ProposalId(derived("proposal", &[&org.to_string(), &supplier.to_string(), &planned_at.to_string()]))
    }

    /// What the order costs, in base currency.
    ///
    /// # Errors
    /// [`FixedError`] when it does not fit.
    pub fn total(&self) -> Result<Money, FixedError> {
        let mut total = Money::ZERO;
        for line in &self.lines {
            total = total.plus(line.cost()?)?;
        }
        Ok(total)
    }

    /// Hash of what a person decides about: supplier, day and lines with quantity, price and reason.
    pub fn contents(&self) -> Hash {
        let mut text = format!("{}\n{}\n{}\n", self.id, self.supplier, self.wanted_on);
        for line in &self.lines {
            text.push_str(&format!(
                "{}\t{}\t{}\t{}\t{}\n",
                line.item, line.location, line.quantity, line.unit_price, line.reason
            ));
            if let Some(by) = &line.by {
                text.push_str(&format!("{}\t{}\t{}\n", by.unit.name, by.unit.holds, by.price));
            }
        }
        Hash::of(text.as_bytes())
    }

    /// The word for where it stands.
    pub const fn state_name(&self) -> &'static str {
        match self.status {
            ProposalState::Open => "open",
            ProposalState::Approved { .. } => "approved",
            ProposalState::Done { .. } => "ordered",
            ProposalState::Failed { .. } => "failed",
            ProposalState::Rejected { .. } => "rejected",
            ProposalState::Withdrawn { .. } => "withdrawn",
        }
    }

    /// Whether it still stands between plan and order, so that no second one may grow beside it.
    pub const fn is_pending(&self) -> bool {
        matches!(
            self.status,
            ProposalState::Open | ProposalState::Approved { .. } | ProposalState::Failed { .. }
        )
    }

    /// The number that its order has in Xero; with `prefix` as long as nobody approved it.
    pub fn order_number(&self, prefix: &str) -> String {
        match &self.status {
            ProposalState::Approved { approval, .. }
            | ProposalState::Done { approval, .. }
            | ProposalState::Failed { approval, .. } => approval.order_number.clone(),
            ProposalState::Open | ProposalState::Rejected { .. } | ProposalState::Withdrawn { .. } => {
                self.id.order_number(prefix)
            }
        }
    }

    /// A person's yes to the contents that were shown, for an order with a number of this `prefix`; to one
    /// that failed it means: try again, under the number that it has. The effect's id follows from the
    /// proposal, so that a second yes can't make a second order.
    ///
    /// # Errors
    /// [`DecisionError`] says what stands against it.
    pub fn approve(
        &self,
        phase: Phase,
        shown: Hash,
        who: &str,
        at: Timestamp,
        prefix: &str,
    ) -> Result<(Self, Approval, EffectId), DecisionError> {
        self.decidable(shown)?;
        if phase < Phase::Assist {
            return Err(DecisionError::Observing);
        }
        let order_number = self.order_number(prefix);
        let approval = Approval { proposal: self.id, contents: shown, who: who.to_owned(), at, order_number };
        let effect = EffectId(derived("purchase order", &[&self.id.to_string()]));
        let status = ProposalState::Approved { approval: approval.clone(), effect };
        Ok((Self { status, ..self.clone() }, approval, effect))
    }

    /// A person's no to the contents that were shown. The end of one that failed says nothing about its
    /// lines: planning may propose them anew.
    ///
    /// # Errors
    /// [`DecisionError`] says what stands against it.
    pub fn reject(&self, shown: Hash, who: &str, at: Timestamp, reason: &str) -> Result<Self, DecisionError> {
        self.decidable(shown)?;
        let reason = reason.trim();
        if reason.is_empty() {
            return Err(DecisionError::NoReason);
        }
        let status = ProposalState::Rejected { who: who.to_owned(), at, reason: reason.to_owned() };
        Ok(Self { status, ..self.clone() })
    }

    fn decidable(&self, shown: Hash) -> Result<(), DecisionError> {
        if !matches!(self.status, ProposalState::Open | ProposalState::Failed { .. }) {
            return Err(DecisionError::NotOpen(self.state_name()));
        }
        if self.contents() != shown {
            return Err(DecisionError::Changed);
        }
        Ok(())
    }
}
