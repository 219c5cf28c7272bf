//! What Xero says of the organisation itself: it has no webhook, so it is read about once a day and compared.

use jiff::{SignedDuration, Timestamp};
use parstock_domain::calendar::UnknownZone;
use parstock_domain::document::Organisation;
use parstock_domain::settings::Policy;

use crate::connect;
use crate::error::AppError;
use crate::load;
use crate::ports::{Books, BooksSession, Expect, Ports, Priority};
use crate::records::{Key, Profile};
use crate::writer::{Reason, Writer};

/// Time between two readings.
const READ_EVERY: SignedDuration = SignedDuration::from_hours(24);

/// Whether it is to be asked for again.
pub fn is_due(profile: &Profile, now: Timestamp) -> bool {
    profile.organisation_asked_at.is_none_or(|at| now.duration_since(at) >= READ_EVERY)
}

/// Nothing is booked by days that are not the org's, nor in money that its books are not kept in.
///
/// # Errors
/// [`AppError::NeedsPerson`] with what to do.
pub fn can_be_booked(profile: &Profile) -> Result<(), AppError> {
    if profile.awaits_time_zone {
        let unknown = UnknownZone { name: profile.organisation.xero_time_zone.clone() };
        return Err(AppError::NeedsPerson(unknown.to_string()));
    }
    match &profile.other_currency {
        None => Ok(()),
        Some(now) => Err(AppError::NeedsPerson(format!(
            "the base currency of {} in Xero is {now} now, and its books here are kept in {}, so nothing more is read: \
             set it back in Xero, or connect the organisation anew without these books",
            profile.organisation.name, profile.organisation.base_currency
        ))),
    }
}

/// Reads it for an org of which nothing can be booked: it may have been mended in Xero.
///
/// # Errors
/// As [`can_be_booked`], and when Xero can't be asked.
pub async fn look_again<P: Ports>(writer: &mut Writer<'_, P>) -> Result<(), AppError> {
    let mut session = writer.ports().books().open(writer.org(), Priority::Poll, 1).await?;
    let fresh = session.organisation().await;
    session.close().await;
    keep(writer, fresh?).await
}

/// Keeps what changed.
///
/// # Errors
/// As [`can_be_booked`]; when the connection reaches another organisation, too.
pub async fn keep<P: Ports>(writer: &mut Writer<'_, P>, fresh: Organisation) -> Result<(), AppError> {
    let before = writer.profile.content.clone();
    if fresh.id != writer.org() {
        return Err(AppError::NeedsPerson(format!(
            "the connection reaches {} instead of {}: connect the right organisation again",
            fresh.name, before.organisation.name
        )));
    }
    let now = writer.now();
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let set = policy.and_then(|policy| policy.content.org().time_zone);
    let base_currency = before.organisation.base_currency.clone();
    let mut after = before.clone();
    after.other_currency = (fresh.base_currency != base_currency).then(|| fresh.base_currency.clone());
    after.organisation = Organisation { base_currency, ..fresh };
    if connect::settle_zone(&mut after, set.as_deref(), now).is_err() {
        after.awaits_time_zone = true;
    }
    let changes = changes(&before, &after);
    writer.profile.content = Profile { organisation_asked_at: Some(now), ..after };
    if !changes.is_empty() {
        let mut reason = Reason::own("organisation changed in Xero");
        for (what, before, after) in changes {
            tracing::info!(org_id = %writer.org(), kind = what, "the organisation changed in Xero");
            reason = reason.with(what, format!("{before} -> {after}"));
        }
        let id = writer.new_commit();
        let profile = writer.profile.clone().write(Key::Profile);
        writer.commit(id, vec![profile], reason).await?;
        if let Expect::Version(version) = writer.profile.expect {
            writer.profile.expect = Expect::Version(version + 1);
        }
        writer.renew_clock()?;
    }
    connect::keep_entry(writer.ports(), writer.org(), &writer.profile.content).await?;
    can_be_booked(&writer.profile.content)
}

/// What changed, each with its value before and after.
fn changes(before: &Profile, after: &Profile) -> Vec<(&'static str, String, String)> {
    let said = |profile: &Profile| {
        let organisation = &profile.organisation;
        let day =
            |day: Option<jiff::civil::Date>| day.map_or_else(|| "none".to_owned(), |day| day.to_string());
        let currency = profile.other_currency.as_ref().unwrap_or(&organisation.base_currency);
        [
            ("name", organisation.name.clone()),
            ("base currency", currency.clone()),
            ("Xero time zone", organisation.xero_time_zone.clone()),
            ("time zone", profile.time_zone.clone()),
            ("awaits time zone", profile.awaits_time_zone.to_string()),
            ("country", organisation.country.clone()),
            ("short code", organisation.short_code.clone()),
            ("period lock date", day(organisation.period_lock_date)),
            ("end of year lock date", day(organisation.end_of_year_lock_date)),
        ]
    };
    let pairs = said(before).into_iter().zip(said(after));
    pairs.filter(|(was, is)| was != is).map(|((what, was), (_, is))| (what, was, is)).collect()
}
