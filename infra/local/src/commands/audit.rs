//! `parstock audit verify`: whether the audit trail is whole.

use clap::{Args, Subcommand};
use parstock_app::load;
use parstock_app::ports::Store;
use parstock_app::records::{Key, List, Owner};
use parstock_domain::audit::{Entry, Head, verify};
use parstock_domain::ids::OrgId;
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask};
use crate::error::{DIFFERENCES, LocalError};
use crate::place::Place;

/// Entries read at once.
const ENTRIES_PER_PAGE: u32 = 500;

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
    let mut reached = Head::default();
    let mut after = None;
    loop {
        let page = place
            .store()
            .list(Owner::Org(org), &List::AuditEntries, after.as_ref(), ENTRIES_PER_PAGE)
            .await?;
        let mut entries = Vec::new();
        for row in page.rows {
            entries.extend(load::decode_row::<Entry>(Some(row))?.map(|row| row.content));
        }
        match verify(org, reached, &entries) {
            Ok(head) => reached = head,
            Err(broken) => return Ok(wrong(&broken.to_string())),
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    let head = load::one::<Head>(place.store(), Owner::Org(org), Key::AuditHead).await?;
    let head = head.map_or_else(Head::default, |head| head.content);
    if head != reached {
        return Ok(wrong("the audit trail ends elsewhere than its head says"));
    }
    Ok(Answer::new(
        json!({ "entries": head.seq, "hash": head.hash.to_string(), "whole": true }),
        format!("{} entries, whole; the last hash is {}\n", head.seq, head.hash),
    ))
}

fn wrong(what: &str) -> Answer {
    Answer::new(json!({ "whole": false, "what": what }), String::new()).saying(what).exiting(DIFFERENCES)
}
