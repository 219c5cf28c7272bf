//! The names of suppliers: Xero's webhook for contacts says too little to be worth a call, so they are polled
//! and compared. Contacts that are customers only are left out, since there may be very many.

use jiff::SignedDuration;
use parstock_domain::document::Contact;

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Books, BooksSession, ChangedContacts, Expect, Ports};
use crate::records::{ContactRecord, Key};
use crate::writer::{Reason, Writer};

/// Polls between two readings: about one an hour.
pub const POLLS_BETWEEN: u32 = 3;
/// Pages of one reading; what is left comes with the next.
const PAGES_MAX: u32 = 100;
/// Contacts of one commit, beside the audit entry.
const CONTACTS_PER_COMMIT: usize = 90;
/// Reading begins this much before the last change seen.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);
/// After a page with more behind it, reading starts again this much before its last change.
const RESTART_OVERLAP: SignedDuration = SignedDuration::from_secs(1);

/// Reads contacts that changed (all, the first time) and keeps those that are or may become suppliers.
pub async fn refresh<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
) -> Result<(), AppError> {
    let known = writer.profile.content.contacts_until;
    let mut since = known.and_then(|until| until.checked_sub(OVERLAP).ok());
    let (mut page, mut began_at, mut last) = (1, None, Vec::new());
    for _ in 0..PAGES_MAX {
        let ChangedContacts { contacts, more, latest, answered_at } = session.contacts(since, page).await?;
        began_at = began_at.or(answered_at);
        for chunk in contacts.chunks(CONTACTS_PER_COMMIT) {
            keep(writer, chunk).await?;
        }
        let profile = &mut writer.profile.content;
        // they come in the order of their change, so what comes before is in
        profile.contacts_until = profile.contacts_until.max(latest);
        // a server that does not know pages gives the first one for ever
        if !more || (page > 1 && contacts == last) {
            // Nothing but what was known already: as with the feeds, a step on by Xero's own time.
            if profile.contacts_until == known {
                let step = began_at.and_then(|at| at.checked_sub(OVERLAP).ok());
                profile.contacts_until = known.max(step);
            }
            return Ok(());
        }
        // pages shift while contacts change: reading starts again just before the last change seen
        let next = latest.and_then(|latest| latest.checked_sub(RESTART_OVERLAP).ok());
        (since, page) = match next.filter(|next| since.is_none_or(|since| *next > since)) {
            Some(next) => (Some(next), 1),
            None => (since, page + 1),
        };
        last = contacts;
    }
    Ok(())
}

async fn keep<P: Ports>(writer: &mut Writer<'_, P>, contacts: &[Contact]) -> Result<(), AppError> {
    let keys: Vec<Key> = contacts.iter().map(|contact| Key::Contact(contact.id)).collect();
    let known = load::many::<ContactRecord>(writer.ports().store(), writer.owner(), &keys).await?;
    let mut writes = Vec::new();
    for ((contact, known), key) in contacts.iter().zip(known).zip(keys) {
        let content = ContactRecord { name: contact.name.clone(), archived: contact.archived };
        let expect = match known {
            Some(known) if known.content == content => continue,
            Some(known) => known.expect,
            None if contact.only_customer => continue,
            None => Expect::Absent,
        };
        writes.push(Versioned { content, expect }.write(key));
    }
    if writes.is_empty() {
        return Ok(());
    }
    let reason = Reason::own("keep contacts").with("contacts", writes.len());
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await
}
