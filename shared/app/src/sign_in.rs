//! Signing in by mail: a link that works once, for whoever reads the mails of a configured address.
//!
//! Asking for a link tells nobody whether an address may sign in, and only few links are mailed at a time. The token is in
//! the mail alone, the table knows its hash. Looking at a link changes nothing, since mail programs and their scanners
//! open links by themselves; it is used up when a person confirms it.

use jiff::{SignedDuration, Timestamp};
use parstock_domain::audit::Hash;
use parstock_domain::ids::{CommitId, derived};
use parstock_views::sign_in::SignInMail;

use crate::error::AppError;
use crate::load::{self, Versioned};
use crate::ports::{Clock, Commit, CommitError, Entropy, Mail, Mailer, Ports, Store, Write};
use crate::records::{Key, Owner, SignInLink, SignInMails};

/// How long a link is good. The limits below count over the same time, so whoever meets the first has a link that is good.
pub const LINK_LIFETIME: SignedDuration = SignedDuration::from_mins(30);
/// Links that are mailed to one address within [`LINK_LIFETIME`].
pub const MAILS_PER_ADDRESS_MAX: usize = 3;
/// Links that are mailed to all addresses together within [`LINK_LIFETIME`].
pub const MAILS_MAX: usize = 30;
/// How often a commit is tried that another one was quicker than, or that got no answer.
const TRIES_MAX: u32 = 3;

/// What came of asking for a link. It is for the log: who asked must not learn it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// A link is on its way.
    Mailed,
    /// The address may not sign in.
    Stranger,
    /// Too many links were mailed lately.
    TooMany,
}

/// What a link is worth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Link {
    /// It signs in this person.
    Good {
        /// Their mail address.
        address: String,
        /// The page to go to afterwards.
        next: String,
    },
    /// It has been used.
    Used,
    /// It is too old, never was one of ours, or its person may no longer sign in.
    Over,
}

/// The address that may sign in and is meant by what was typed: blanks around it and upper case don't matter.
pub fn known<'a>(users: &'a [String], given: &str) -> Option<&'a str> {
    users.iter().find(|user| user.eq_ignore_ascii_case(given.trim())).map(String::as_str)
}

/// Mails a link to `given` if it is one of `users` and the limits allow it.
///
/// # Errors
/// When store or mailer don't answer. A mail whose answer got lost is not repeated: the person asks again.
pub async fn ask<P: Ports>(ports: &P, users: &[String], given: &str, next: &str) -> Result<Asked, AppError> {
    let token = format!("{}{}", ports.entropy().uuid().simple(), ports.entropy().uuid().simple());
    let mut tries = 0;
    let address = loop {
        // read for strangers too, so that a store which does not answer tells nothing of an address
        let row = load::one::<SignInMails>(ports.store(), Owner::Stack, Key::SignInMails).await?;
        let Some(address) = known(users, given) else { return Ok(Asked::Stranger) };
        let now = ports.clock().now();
        let expires_at = now.saturating_add(LINK_LIFETIME).unwrap_or(Timestamp::MAX);
        let mut row = row.unwrap_or(Versioned::new(SignInMails::default()));
        let mails = &mut row.content;
        mails.sent.retain(|(_, at)| now.duration_since(*at) < LINK_LIFETIME);
        let to_it = mails.sent.iter().filter(|(to, _)| to == address).count();
        if to_it >= MAILS_PER_ADDRESS_MAX || mails.sent.len() >= MAILS_MAX {
            return Ok(Asked::TooMany);
        }
        mails.sent.push((address.to_owned(), now));
        mails.expires_at = expires_at;
        let link =
            SignInLink { address: address.to_owned(), next: next.to_owned(), expires_at, used_at: None };
        let writes =
            vec![row.write(Key::SignInMails), Versioned::new(link).write(Key::SignInLink(hash_of(&token)))];
        tries += 1;
        match write(ports, writes).await {
            Ok(()) => break address,
            Err(CommitError::Conflict { .. }) if tries < TRIES_MAX => {}
            Err(error) => return Err(error.into()),
        }
    };
    ports.mailer().send(&mail(ports.console_url(), address, &token)?).await?;
    Ok(Asked::Mailed)
}

/// What a link is worth, without using it.
///
/// # Errors
/// When the store does not answer.
pub async fn look<P: Ports>(ports: &P, users: &[String], token: &str) -> Result<Link, AppError> {
    let row = load::one::<SignInLink>(ports.store(), Owner::Stack, Key::SignInLink(hash_of(token))).await?;
    Ok(match row {
        Some(row) => worth(&row.content, users, ports.clock().now()),
        None => Link::Over,
    })
}

/// Uses a link: of all who try, one gets [`Link::Good`].
///
/// # Errors
/// When the store does not answer.
pub async fn redeem<P: Ports>(ports: &P, users: &[String], token: &str) -> Result<Link, AppError> {
    let key = Key::SignInLink(hash_of(token));
    let row = load::one::<SignInLink>(ports.store(), Owner::Stack, key.clone()).await?;
    let Some(mut row) = row else { return Ok(Link::Over) };
    let now = ports.clock().now();
    let link = worth(&row.content, users, now);
    if !matches!(link, Link::Good { .. }) {
        return Ok(link);
    }
    row.content.used_at = Some(now);
    match write(ports, vec![row.write(key)]).await {
        Ok(()) => Ok(link),
        Err(CommitError::Conflict { .. }) => Ok(Link::Used),
        Err(error) => Err(error.into()),
    }
}

fn worth(link: &SignInLink, users: &[String], now: Timestamp) -> Link {
    if link.used_at.is_some() {
        return Link::Used;
    }
    match known(users, &link.address) {
        Some(address) if now < link.expires_at => {
            Link::Good { address: address.to_owned(), next: link.next.clone() }
        }
        _ => Link::Over,
    }
}

fn hash_of(token: &str) -> Hash {
    Hash::of(token.as_bytes())
}

/// Sends a commit, again as the same one while no answer comes.
async fn write<P: Ports>(ports: &P, writes: Vec<Write>) -> Result<(), CommitError> {
    let commit = Commit { id: CommitId(ports.entropy().uuid()), writes };
    let mut tries = 0;
    loop {
        tries += 1;
        match ports.store().commit(Owner::Stack, commit.clone()).await {
            Err(CommitError::Unknown(_)) if tries < TRIES_MAX => {}
            outcome => return outcome,
        }
    }
}

fn mail(console_url: &str, address: &str, token: &str) -> Result<Mail, AppError> {
    let content = SignInMail {
        address: address.to_owned(),
        console_url: console_url.to_owned(),
        link: format!("{console_url}/sign-in/link?token={token}"),
        minutes: LINK_LIFETIME.as_mins(),
    };
    let rendered =
        content.render().map_err(|error| AppError::Bug(format!("a mail could not be rendered: {error}")))?;
    Ok(Mail {
        to: vec![address.to_owned()],
        subject: rendered.subject,
        html: rendered.html,
        text: rendered.text,
        pictures: Vec::new(),
        // fixed by the link, without telling its token
        message_id: format!("{}@parstock", derived("sign-in mail", &[&hash_of(token).to_string()])),
    })
}
