//! The demo company's owner: looks at the console every morning and approves the first open proposal.

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use parstock_app::decide::{self, Decision};
use parstock_app::error::AppError;
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{Key, List, Owner as RowOwner, Pointer};
use parstock_domain::governance::{Proposal, ProposalState};
use parstock_domain::ids::{OrgId, ProposalId};

use crate::error::LocalError;
use crate::notebook::Notebook;
use crate::ports::LocalPorts;

/// When the owner looks.
const MORNING: Time = Time::constant(8, 5, 0, 0);
/// The owner's name in the audit trail.
pub const NAME: &str = "owner";
/// Facts in the notebook: the next morning, and what was picked on it.
const NEXT_MORNING: &str = "owner.next_morning";
const PICKED: &str = "owner.picked";

/// The owner.
#[derive(Debug)]
pub struct Owner {
    /// First morning.
    first: Date,
    zone: TimeZone,
    notebook: Notebook,
}

impl Owner {
    /// The owner, who looks from the morning of `first` on.
    pub const fn new(first: Date, zone: TimeZone, notebook: Notebook) -> Self {
        Self { first, zone, notebook }
    }

    fn morning(&self) -> Result<Date, LocalError> {
        let kept = self.notebook.fact(NEXT_MORNING)?.and_then(|text| text.parse().ok());
        Ok(kept.unwrap_or(self.first))
    }

    /// When the owner looks next.
    ///
    /// # Errors
    /// When the notebook can't be read.
    pub fn next_due(&self) -> Result<Timestamp, LocalError> {
        let at = self.morning()?.to_datetime(MORNING);
        Ok(self.zone.to_ambiguous_timestamp(at).compatible().unwrap_or_default())
    }

    /// Approves the first open proposal, by its supplier's name.
    ///
    /// What was picked is remembered first, so that a repeat after a kill picks the same.
    ///
    /// # Errors
    /// When store or notebook fail.
    pub async fn decide(&self, ports: &LocalPorts) -> Result<Option<Proposal>, LocalError> {
        let morning = self.morning()?;
        let mut approved = None;
        if let Some(org) = parstock_app::connect::orgs(ports).await?.first().map(|entry| entry.org) {
            let pick = self.pick(ports, org, morning).await?;
            if let Some(proposal) = pick {
                let contents = proposal.contents();
                let decided =
                    decide::decide(ports, org, proposal.id, contents, NAME, &Decision::Approve).await;
                match decided {
                    Ok(decided) => approved = Some(decided),
                    Err(AppError::Reject(why)) => tracing::info!(why, "the owner's approval does not hold"),
                    Err(error) => return Err(error.into()),
                }
            }
        }
        self.notebook.set_fact(NEXT_MORNING, &morning.saturating_add(1.day()).to_string())?;
        Ok(approved)
    }

    async fn pick(
        &self,
        ports: &LocalPorts,
        org: OrgId,
        morning: Date,
    ) -> Result<Option<Proposal>, LocalError> {
        if let Some((day, id)) = self.notebook.fact(PICKED)?.as_deref().and_then(|text| text.split_once(' '))
            && day == morning.to_string()
        {
            let id: ProposalId = id.parse().map_err(LocalError::outside)?;
            let row = load::one::<Proposal>(ports.store(), RowOwner::Org(org), Key::Proposal(id)).await?;
            return Ok(row.map(|row| row.content));
        }
        let pending = load::all::<Pointer<ProposalId>>(ports.store(), org, &List::PendingProposals).await?;
        let keys: Vec<Key> = pending.iter().map(|(_, row)| Key::Proposal(row.content.to)).collect();
        let proposals = load::many::<Proposal>(ports.store(), RowOwner::Org(org), &keys).await?;
        let open = proposals.into_iter().flatten().map(|row| row.content);
        let first = open
            .filter(|proposal| proposal.status == ProposalState::Open)
            .min_by(|a, b| a.supplier_name.cmp(&b.supplier_name));
        if let Some(proposal) = &first {
            self.notebook.set_fact(PICKED, &format!("{morning} {}", proposal.id))?;
        }
        Ok(first)
    }
}
