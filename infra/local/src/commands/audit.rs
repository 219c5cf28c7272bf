//! `parstock audit verify`: whether the audit trail is whole.

use clap::{Args, Subcommand};
use parstock_app::audit::{self, Walk};
use parstock_domain::ids::OrgId;
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask};
use crate::error::{DIFFERENCES, LocalError};
use crate::place::Place;

/// The audit trail.
#[derive(Args, Clone, Debug)]
pub struct Audit {
    #[command(subcommand)]
    command: AuditCommand,
}

#[derive(Clone, Debug, Subcommand)]
enum AuditCommand {
    /// Follow the chain of hashes from the first entry to the last (exit 1 if it is broken)
    Verify {
        #[command(flatten)]
        common: Common,
    },
}

impl Audit {
    pub(super) const fn common(&self) -> &Common {
        let AuditCommand::Verify { common } = &self.command;
        common
    }

    pub(super) const fn ask(&self) -> Ask {
        let AuditCommand::Verify { .. } = &self.command;
        Ask::VerifyAudit
    }
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    Ok(match audit::walk_whole(place.store(), org).await? {
        Walk::Reached(head) => Answer::new(
            json!({ "entries": head.seq, "hash": head.hash.to_string(), "whole": true }),
            format!("{} entries, whole; the last hash is {}\n", head.seq, head.hash),
        ),
        Walk::Broken(broken) => wrong(&broken.to_string()),
    })
}

fn wrong(what: &str) -> Answer {
    Answer::new(json!({ "whole": false, "what": what }), String::new()).saying(what).exiting(DIFFERENCES)
}
