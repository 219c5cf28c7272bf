//! The names of suppliers: Xero's webhook for contacts says too little to be worth a call, so they are polled
//! and compared. Contacts that are customers only are left out, since there may be very many, unless a supplier was
//! merged into one.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use parstock_domain::document::Contact;
use parstock_domain::ids::ContactId;

use crate::contacts::Contacts;
use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::message::Message;
use crate::pages::{self, Page, Pages, Reading};
use crate::ports::{Books, BooksSession, ChangedContacts, Expect, Ports};
use crate::records::{Backfill, ContactRecord, Key};
use crate::send::send_now;
use crate::writer::{Reason, Writer};

/// Polls between two readings: about one an hour.
pub const POLLS_BETWEEN: u32 = 3;
/// Pages of one reading, those of one second as one; what is left comes with the next.
const PAGES_MAX: u32 = 100;
/// Contacts of one commit, beside the audit entry.
const CONTACTS_PER_COMMIT: usize = 90;
/// Reading begins this much before the last change seen.
const OVERLAP: SignedDuration = SignedDuration::from_mins(5);

/// Reads contacts that changed (all, the first time) and keeps those that are or may become suppliers. Once one of
/// them was merged, archived or restored, everything is planned again: an order may go to another one.
pub async fn refresh<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
) -> Result<(), AppError> {
    let news = read(writer, session).await?;
    if !news.merged.is_empty() {
        let contacts = Contacts::of(writer.ports(), writer.org(), news.merged.clone()).await?;
        if news.merged.iter().any(|into| !contacts.iter().any(|(known, _)| known == *into)) {
            // it was a customer only and has not changed since: the next reading is of all contacts
            writer.profile.content.contacts_until = None;
        }
    }
    if news.turned && matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        let day = writer.clock().day_of(writer.now());
        send_now(writer.ports(), Message::PlanAll { org: writer.org(), day, after: None }).await?;
        writer.profile.content.planned_all_on = Some(day);
    }
    Ok(())
}

/// What a reading looks for and brings.
#[derive(Default)]
struct News {
    /// Contacts that are kept even as customers: another was merged into them.
    awaited: BTreeSet<ContactId>,
    /// The contacts into which others were merged since the reading before.
    merged: BTreeSet<ContactId>,
    /// Whether a contact that was known was merged, archived or restored.
    turned: bool,
}

async fn read<P: Ports>(
    writer: &mut Writer<'_, P>,
    session: &mut <P::Books as Books>::Session,
) -> Result<News, AppError> {
    let kept = Contacts::all(writer.ports(), writer.org()).await?;
    let awaited = kept.iter().filter_map(|(_, contact)| contact.merged_into).collect();
    let mut news = News { awaited, ..News::default() };
    let known = writer.profile.content.contacts_until;
    let mut since = known.and_then(|until| until.checked_sub(OVERLAP).ok());
    let mut began_at = None;
    let mut list = Changed { writer, session, news: &mut news };
    for _ in 0..PAGES_MAX {
        let Reading::UpTo { latest, next, answered_at } = pages::read(&mut list, since).await? else {
            // the next reading begins at the latest change that is kept
            break;
        };
        began_at = began_at.or(answered_at);
        let profile = &mut list.writer.profile.content;
        profile.contacts_until = profile.contacts_until.max(latest);
        let Some(next) = next else {
            // Nothing but what was known already: as with the feeds, a step on by Xero's own time.
            if profile.contacts_until == known {
                let step = began_at.and_then(|at| at.checked_sub(OVERLAP).ok());
                profile.contacts_until = known.max(step);
            }
            break;
        };
        since = Some(next);
    }
    Ok(news)
}

/// The contacts that have changed, which are kept as they are read.
struct Changed<'c, 'w, P: Ports> {
    writer: &'c mut Writer<'w, P>,
    session: &'c mut <P::Books as Books>::Session,
    news: &'c mut News,
}

impl<P: Ports> Pages for Changed<'_, '_, P> {
    async fn fetch(&mut self, since: Option<Timestamp>, number: u32) -> Result<Page, AppError> {
        let found = self.session.contacts(since, number).await?;
        for chunk in found.contacts.chunks(CONTACTS_PER_COMMIT) {
            keep(self.writer, chunk, self.news).await?;
        }
        let ChangedContacts { more, latest, holds, answered_at, .. } = found;
        Ok(Page { more, latest, answered_at, holds })
    }

    fn is_late(&self) -> bool {
        self.writer.is_late()
    }
}

async fn keep<P: Ports>(
    writer: &mut Writer<'_, P>,
    contacts: &[Contact],
    news: &mut News,
) -> Result<(), AppError> {
    let keys: Vec<Key> = contacts.iter().map(|contact| Key::Contact(contact.id)).collect();
    let known = load::many::<ContactRecord>(writer.ports().store(), writer.owner(), &keys).await?;
    news.awaited.extend(contacts.iter().filter_map(|contact| contact.merged_into));
    let mut writes = Vec::new();
    let mut turned = false;
    for ((contact, known), key) in contacts.iter().zip(known).zip(keys) {
        let Contact { name, archived, merged_into, .. } = contact.clone();
        let content = ContactRecord { name, archived, merged_into };
        let expect = match known {
            Some(known) if known.content == content => continue,
            Some(known) => {
                turned |= (known.content.archived, known.content.merged_into) != (archived, merged_into);
                known.expect
            }
            None if contact.only_customer && !news.awaited.contains(&contact.id) => continue,
            None => Expect::Absent,
        };
        news.merged.extend(merged_into);
        writes.push(Versioned { content, expect }.write(key));
    }
    if writes.is_empty() {
        return Ok(());
    }
    let reason = Reason::own("keep contacts").with("contacts", writes.len());
    if turned {
        // until all is asked to be planned again, at the end of the reading
        writer.profile.content.planned_all_on = None;
        writes.push(writer.profile.clone().write(Key::Profile));
    }
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    if let (true, Expect::Version(version)) = (turned, writer.profile.expect) {
        writer.profile.expect = Expect::Version(version + 1);
    }
    news.turned |= turned;
    Ok(())
}
