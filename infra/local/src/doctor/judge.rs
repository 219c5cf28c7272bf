//! What a fact means: one function per check, from what was found to a line. Nothing is fetched here.

use jiff::{SignedDuration, Timestamp};
use parstock_app::ports::Allowance;
use parstock_app::records::Backfill;
use parstock_domain::governance::Phase;
use parstock_xero::model::{Action, ActionStatus, Organisation};
use parstock_xero::{REFRESH_LIFETIME, StoredToken, missing_scopes};

use super::{Finding, Grade};
use crate::commands::connections::age;

/// How far two clocks may be apart before a person should look.
const CLOCK_OFF: SignedDuration = SignedDuration::from_secs(30);
/// How far they may be apart before AWS refuses what is signed.
/// Source: AWS Signature Version 4, *Elements of an AWS API request signature*.
const CLOCK_OFF_MAX: SignedDuration = SignedDuration::from_mins(5);
/// A poll comes every 15 minutes; one may fail.
const SYNC_AGE: SignedDuration = SignedDuration::from_mins(35);
/// From this age on nothing is synced any more.
const SYNC_AGE_MAX: SignedDuration = SignedDuration::from_mins(65);
/// How long before the end of a consent's refresh token a person should look.
const REFRESH_SPARE: SignedDuration = SignedDuration::from_hours(10 * 24);
/// How long an order or a notice may be on its way: its first tries fill less than this.
const LEAVING_MAX: SignedDuration = SignedDuration::from_hours(1);
/// Calls of a day that leave polls nothing to spare.
const CALLS_FEW: u32 = 100;
/// Messages in a queue that are more than a busy hour.
const MESSAGES_MANY: u64 = 1_000;
/// News by poll in a row that a webhook should have told of.
const POLLED_MANY: u32 = 20;
/// The scopes without which nothing works; the others are for what is still to come.
const SCOPES_IN_USE: [&str; 4] =
    ["accounting.invoices", "accounting.banktransactions.read", "accounting.contacts", "accounting.settings"];
/// The action that an approved proposal needs in Xero.
const ORDER_ACTION: &str = "CreateDraftPurchaseOrder";

/// All is well.
pub fn ok(check: impl Into<String>, found: impl Into<String>) -> Finding {
    Finding { check: check.into(), grade: Grade::Ok, found: found.into(), to_do: None }
}

/// Work goes on, but something is missing.
pub fn warning(check: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Finding {
    let to_do = Some(to_do.into());
    Finding { check: check.into(), grade: Grade::Warning, found: found.into(), to_do }
}

/// Something does not work.
pub fn failed(check: impl Into<String>, found: impl Into<String>, to_do: impl Into<String>) -> Finding {
    Finding { grade: Grade::Failed, ..warning(check, found, to_do) }
}

/// What could not be looked at says nothing of how it is.
pub fn unseen(check: impl Into<String>, why: &str) -> Finding {
    warning(
        check,
        format!("could not be looked at: {why}"),
        "See that your own credentials may read it, and run the doctor again",
    )
}

/// Whether anybody works on the folder.
pub fn folder(runs: bool) -> Finding {
    if runs {
        return ok("folder", "parstock runs in it");
    }
    warning(
        "folder",
        "nobody works in it: nothing is read from Xero and nothing leaves",
        "Start it with `parstock run`",
    )
}

/// A folder that can't be opened.
pub fn broken_folder(why: &str) -> Finding {
    failed("folder", why, "Mend that first; nothing else could be looked at")
}

/// The version of this command beside the stack's.
pub fn version(own: &str, stack: Option<&str>) -> Finding {
    match stack {
        Some(stack) if stack == own => ok("version", format!("{own} here and in the stack")),
        Some(stack) => warning(
            "version",
            format!("{own} here, {stack} in the stack"),
            "Deploy this version, or use the command of the stack's version",
        ),
        None => warning("version", "the stack does not say its version", "Deploy the stack anew"),
    }
}

/// Whether a connection's credentials are there and can be read.
pub fn credentials(connection: &str, found: &Result<bool, String>) -> Finding {
    let check = format!("credentials of {connection}");
    match found {
        Ok(true) => ok(check, "there, in the right form"),
        Ok(false) => failed(
            check,
            "there are none",
            format!(
                "Run `parstock connect`, or store those of a custom connection in the secret \
                 `connections/{connection}/credentials`"
            ),
        ),
        Err(why) => failed(check, why, "Enter them again"),
    }
}

/// A connection's token.
pub fn token(
    connection: &str,
    by_consent: bool,
    token: Option<&StoredToken>,
    broken: Option<&str>,
    needed: &[String],
    now: Timestamp,
) -> Finding {
    let check = format!("token of {connection}");
    if let Some(why) = broken {
        return failed(check, why, "Do what it says; the next poll tries again");
    }
    let Some(token) = token else {
        return match by_consent {
            true => failed(check, "nobody has consented", "Run `parstock connect`"),
            false => warning(check, "none was asked for yet", "Wait for the first poll"),
        };
    };
    match &token.renewal {
        None if by_consent => return failed(check, "nobody has consented", "Run `parstock connect`"),
        Some(renewal) if renewal.ended => {
            return failed(check, "the consent has ended", "Run `parstock connect`");
        }
        _ => {}
    }
    let missing = missing_scopes(&token.scopes, needed.iter().map(String::as_str));
    if !missing.is_empty() {
        let found = format!("it lacks the scopes {}", missing.join(", "));
        let to_do = if by_consent {
            "Run `parstock connect` again and allow all of it"
        } else {
            "Add them to the custom connection at developer.xero.com and let the organisation authorise it again"
        };
        let is_used = missing.iter().any(|scope| SCOPES_IN_USE.contains(scope));
        return if is_used { failed(check, found, to_do) } else { warning(check, found, to_do) };
    }
    let Some(issued_at) = token.issued_at else { return ok(check, "there, of unknown age") };
    let since = age(issued_at, now);
    let spare = REFRESH_LIFETIME - now.duration_since(issued_at);
    if by_consent && spare < REFRESH_SPARE {
        return warning(
            check,
            format!("not renewed for {since}"),
            "A consent ends after 60 days without use: find out why nothing was read",
        );
    }
    ok(check, format!("{since} old, allows what is needed"))
}

/// Whether a connection reaches books.
pub fn reach(connection: &str, reached: &Result<String, String>) -> Finding {
    let check = format!("Xero by {connection}");
    match reached {
        Ok(name) => ok(check, format!("reaches {name}")),
        Err(why) => failed(check, why, "Nothing is read or written until it works"),
    }
}

/// A connection whose organisation has not been set up.
pub fn not_connected(connection: &str) -> Finding {
    warning(
        format!("organisation of {connection}"),
        "not connected yet",
        "The next poll does it, within 15 minutes; if it does not, look into the poller's log",
    )
}

/// This machine's clock beside that of Xero's server.
pub fn clock(ours: Timestamp, xeros: Timestamp) -> Finding {
    let off = ours.duration_since(xeros).abs();
    let found = format!("{} seconds off Xero's", off.as_secs());
    if off > CLOCK_OFF_MAX {
        return failed("clock", found, "Set this machine's clock: tokens and signatures fail by it");
    }
    if off > CLOCK_OFF {
        return warning("clock", found, "Set this machine's clock");
    }
    ok("clock", found)
}

/// What the organisation is in Xero.
pub fn organisation(name: &str, found: &Organisation) -> Finding {
    let check = format!("organisation {name}");
    let or_unknown = |text: &Option<String>| text.clone().unwrap_or_else(|| "unknown".to_owned());
    let is = format!(
        "edition {}, plan {}, books in {}",
        or_unknown(&found.edition),
        or_unknown(&found.class),
        or_unknown(&found.base_currency)
    );
    if found.organisation_status.as_deref().is_some_and(|status| status != "ACTIVE") {
        let status = or_unknown(&found.organisation_status);
        return failed(check, format!("{is}; its status is {status}"), "Look at its subscription in Xero");
    }
    if found.is_demo_company == Some(true) {
        return warning(
            check,
            format!("{is}; Xero's demo company"),
            "Xero resets it after 28 days at most: connect your own for anything that shall last",
        );
    }
    ok(check, is)
}

/// Whether plan and role let orders be written.
pub fn actions(name: &str, found: &Result<&[Action], String>, phase: Phase) -> Finding {
    let check = format!("orders of {name}");
    let actions = match found {
        Ok(actions) => actions,
        Err(why) => return failed(check, why, "What may be written is not known"),
    };
    let action = actions.iter().find(|action| action.name == ORDER_ACTION);
    match action.and_then(|action| action.status.as_ref()) {
        Some(ActionStatus::Allowed) => ok(check, "Xero lets draft orders be written"),
        None => ok(check, "Xero does not say whether draft orders may be written"),
        Some(_) => {
            let found = "Xero does not let draft orders be written";
            let to_do = "The plan, its cap for this month or the role of the connected user is in the way";
            if phase == Phase::Observe { warning(check, found, to_do) } else { failed(check, found, to_do) }
        }
    }
}

/// Whether reports may be read.
pub fn reports(name: &str, found: &Result<(), String>) -> Finding {
    let check = format!("reports of {name}");
    match found {
        Ok(()) => ok(check, "the trial balance can be read"),
        Err(why) => warning(
            check,
            why,
            "If the scope is there: the connected user needs the permission for reports in Xero",
        ),
    }
}

/// Calls left of the day.
pub fn calls(name: &str, found: &Result<Allowance, String>, now: Timestamp) -> Finding {
    let check = format!("calls of {name}");
    let allowance = match found {
        Ok(allowance) => allowance,
        Err(why) => return unseen(check, why),
    };
    if let Some(until) = allowance.parked_until.filter(|until| *until > now) {
        return warning(
            check,
            format!("Xero takes none before {until}"),
            "Wait: work goes on by itself then",
        );
    }
    match allowance.left_today {
        Some(left) if left < CALLS_FEW => {
            warning(check, format!("{left} left today"), "Find out what else uses this organisation's calls")
        }
        Some(left) => ok(check, format!("{left} left today")),
        None => ok(check, "none made today yet"),
    }
}

/// How old the copy is.
pub fn sync(name: &str, polled_at: Option<Timestamp>, connected_at: Timestamp, now: Timestamp) -> Finding {
    let check = format!("sync of {name}");
    let old = now.duration_since(polled_at.unwrap_or(connected_at));
    let found = match polled_at {
        Some(at) => format!("last whole poll {} ago", age(at, now)),
        None => format!("no whole poll since it was connected {} ago", age(connected_at, now)),
    };
    if old > SYNC_AGE_MAX {
        return failed(
            check,
            found,
            "See that parstock runs (in a stack: that the poller's schedule is on), and what its log says",
        );
    }
    if old > SYNC_AGE || polled_at.is_none() {
        return warning(check, found, "The next poll comes within 15 minutes: look again then");
    }
    ok(check, found)
}

/// How far the first load is.
pub fn history(name: &str, found: Backfill) -> Finding {
    let check = format!("history of {name}");
    match found {
        Backfill::Done { documents, .. } => ok(check, format!("whole, {documents} documents")),
        Backfill::Reading { documents, .. } => warning(
            check,
            format!("being read, {documents} documents so far"),
            "Wait: it goes on within the day's calls, over several days if need be",
        ),
        Backfill::Opening { documents } => warning(
            check,
            format!("{documents} documents read, opening balances are being derived"),
            "Wait: it ends with the next polls",
        ),
    }
}

/// What work waits for.
pub fn your_turn(name: &str, needs: &[String]) -> Finding {
    let check = format!("your turn at {name}");
    if needs.is_empty() {
        return ok(check, "nothing");
    }
    failed(check, needs.join("; "), "Work waits for it")
}

/// What is about to leave: since when the oldest of it waits.
pub fn to_leave(name: &str, oldest: Option<Timestamp>, now: Timestamp) -> Finding {
    let check = format!("to leave for {name}");
    match oldest {
        None => ok(check, "nothing waits"),
        Some(since) if now.duration_since(since) > LEAVING_MAX => warning(
            check,
            format!("an order or a notice waits for {}", age(since, now)),
            "`parstock health` tells which, and how often it was tried",
        ),
        Some(since) => ok(check, format!("the oldest waits for {}", age(since, now))),
    }
}

/// Items that nobody has counted.
pub fn counts(name: &str, uncounted: usize) -> Finding {
    let check = format!("counts of {name}");
    if uncounted == 0 {
        return ok(check, "none is missing");
    }
    warning(
        check,
        format!("{uncounted} items were never counted, so nothing is proposed for them"),
        "Give counts with `parstock stock import`",
    )
}

/// Who hears.
pub fn recipients(name: &str, mails: usize, slack: bool, slack_address: bool) -> Finding {
    let check = format!("recipients of {name}");
    if slack && !slack_address {
        return failed(
            check,
            "Slack is on, and its address is not there",
            "Store Slack's webhook address (SLACK_WEBHOOK_URL at `parstock run`; in a stack the secret `orgs/<org>/slack`)",
        );
    }
    match (mails, slack) {
        (0, false) => warning(
            check,
            "nobody hears of digests and warnings",
            "Set `mail_to` or `slack` in policy.json (`parstock settings export` writes it)",
        ),
        (mails, slack) => {
            ok(check, format!("{mails} mail addresses{}", if slack { " and Slack" } else { "" }))
        }
    }
}

/// What parstock may do.
pub fn phase(name: &str, phase: Phase) -> Finding {
    let does = match phase {
        Phase::Observe => "observe: nothing is written to Xero",
        Phase::Assist => "assist: approved proposals become DRAFT purchase orders",
    };
    ok(format!("phase of {name}"), does)
}

/// How many signing keys of the webhook are known. A stack is told of changes by webhook; on one machine the poll alone
/// may do.
pub fn webhook_keys(found: &Result<usize, String>, in_stack: bool) -> Finding {
    let check = "webhook key";
    match (found, in_stack) {
        (Ok(1), _) => ok(check, "set"),
        (Ok(0), false) => warning(
            check,
            "none, so webhooks are refused and the poll alone does",
            "Set XERO_WEBHOOK_KEY, if you want to hear within seconds",
        ),
        (Ok(0), true) => failed(
            check,
            "none, so webhooks are refused",
            "Store the key that Xero shows as a JSON list in the secret `webhook-keys`",
        ),
        (Ok(many), _) => {
            warning(check, format!("{many} keys are taken"), "After a rotation take the old ones out again")
        }
        (Err(why), _) => failed(check, why, "Enter it again"),
    }
}

/// How news came lately.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct News {
    /// When a webhook last told of something that was booked.
    pub by_webhook: Option<Timestamp>,
    /// Bookings since then that only a poll found.
    pub polled_since: u32,
}

/// Whether webhooks arrive.
pub fn webhook(name: &str, news: News, now: Timestamp) -> Finding {
    let check = format!("webhooks for {name}");
    let last = news.by_webhook.map_or_else(
        || "none has told of anything lately".to_owned(),
        |at| format!("one told of something {} ago", age(at, now)),
    );
    if news.polled_since >= POLLED_MANY {
        return warning(
            check,
            format!("{last}, and polls found {} changes since", news.polled_since),
            "Look at the webhook's state at developer.xero.com: its address, its events, its intent-to-receive check",
        );
    }
    ok(check, last)
}

/// A queue.
pub fn queue(name: &str, waiting: &Result<u64, String>) -> Finding {
    let check = format!("queue {name}");
    match waiting {
        Ok(many) if *many > MESSAGES_MANY => warning(
            check,
            format!("{many} messages wait"),
            "If they don't become fewer: look into the processor's log",
        ),
        Ok(many) => ok(check, format!("{many} messages wait")),
        Err(why) => failed(check, why, "It can't be reached from here"),
    }
}

/// Dead letters.
pub fn letters(found: &Result<usize, String>) -> Finding {
    match found {
        Ok(0) => ok("dead letters", "none"),
        Ok(many) => failed(
            "dead letters",
            format!("{many} messages could not be processed"),
            "`parstock dead-letters list` tells why; mend that and send them again",
        ),
        Err(why) => failed("dead letters", why, "They can't be reached from here"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::ToSpan;
    use parstock_xero::Renewal;

    use super::*;
    use crate::doctor::Grade::{Failed, Ok as Fine, Warning};
    use crate::doctor::graded;

    fn now() -> Timestamp {
        "2026-11-25T09:00:00Z".parse().unwrap()
    }

    fn wrong<T>() -> Result<T, String> {
        Err("it does not answer".to_owned())
    }

    #[test]
    fn the_folder_and_the_versions() {
        graded(&[
            (folder(true), Fine),
            (folder(false), Warning),
            (broken_folder("others may read the key"), Failed),
            (version("1.0.0", Some("1.0.0")), Fine),
            (version("1.0.0", Some("0.9.0")), Warning),
            (version("1.0.0", None), Warning),
            (unseen("anything", "AccessDenied"), Warning),
        ]);
    }

    fn held(scopes: &[&str], renewal: Option<Renewal>, days: i64) -> StoredToken {
        StoredToken {
            access: "access".into(),
            expires_at: now(),
            version: 1,
            issued_at: Some(now() - (days * 24).hours()),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            renewal,
        }
    }

    #[test]
    fn credentials_and_tokens() {
        let renewal = |ended| Some(Renewal { refresh: "refresh".into(), fallback: None, ended });
        let all = ["accounting.invoices", "accounting.settings", "accounting.attachments"];
        let needed = all.map(str::to_owned);
        let of = |by_consent, held: Option<StoredToken>, broken| {
            token("main", by_consent, held.as_ref(), broken, &needed, now())
        };
        graded(&[
            (credentials("main", &Ok(true)), Fine),
            (credentials("main", &Ok(false)), Failed),
            (credentials("main", &wrong()), Failed),
            (of(false, Some(held(&all, None, 0)), None), Fine),
            (of(true, Some(held(&all, renewal(false), 1)), None), Fine),
            (of(true, Some(held(&all, renewal(false), 51)), None), Warning),
            (of(true, Some(held(&all, renewal(true), 1)), None), Failed),
            (of(true, Some(held(&all, None, 1)), None), Failed),
            (of(true, None, None), Failed),
            (of(false, None, None), Warning),
            (of(false, Some(held(&all[..1], None, 0)), None), Failed),
            (of(true, Some(held(&all[..1], renewal(false), 0)), None), Failed),
            (of(true, Some(held(&all[..2], renewal(false), 0)), None), Warning),
            (of(false, Some(held(&all, None, 0)), Some("the secret is wrong")), Failed),
        ]);
        let lacking = of(false, Some(held(&all[..1], None, 0)), None);
        assert!(lacking.found.contains("accounting.settings"), "{lacking:?}");
    }

    #[test]
    fn xero_and_the_clock() {
        let organisation = |status: &str, is_demo: bool| {
            let json = format!(
                r#"{{"OrganisationID": "00000000-0000-0000-0000-000000000001", "Edition": "BUSINESS",
                    "OrganisationStatus": "{status}", "IsDemoCompany": {is_demo}}}"#
            );
            organisation("Shop", &serde_json::from_str(&json).unwrap())
        };
        let order = |status: Option<&str>| {
            let json = status.map_or_else(
                || r#"[{"Name": "CreateContact", "Status": "ALLOWED"}]"#.to_owned(),
                |status| format!(r#"[{{"Name": "CreateDraftPurchaseOrder", "Status": "{status}"}}]"#),
            );
            serde_json::from_str::<Vec<Action>>(&json).unwrap()
        };
        let orders = |status, phase| actions("Shop", &Ok(&order(status)), phase);
        let clock = |seconds: i64| clock(now() - seconds.seconds(), now());
        graded(&[
            (reach("main", &Ok("Shop".to_owned())), Fine),
            (reach("main", &wrong()), Failed),
            (not_connected("main"), Warning),
            (organisation("ACTIVE", false), Fine),
            (organisation("ACTIVE", true), Warning),
            (organisation("INACTIVE", false), Failed),
            (orders(Some("ALLOWED"), Phase::Assist), Fine),
            (orders(None, Phase::Assist), Fine),
            (orders(Some("NOT-ALLOWED"), Phase::Observe), Warning),
            (orders(Some("NOT-ALLOWED"), Phase::Assist), Failed),
            (actions("Shop", &wrong(), Phase::Observe), Failed),
            (reports("Shop", &Ok(())), Fine),
            (reports("Shop", &wrong()), Warning),
            (clock(0), Fine),
            (clock(-30), Fine),
            (clock(31), Warning),
            (clock(-31), Warning),
            (clock(301), Failed),
        ]);
    }

    #[test]
    fn calls_sync_and_history() {
        let calls = |left_today, parked: Option<i64>| {
            let parked_until = parked.map(|minutes| now() + minutes.minutes());
            calls("Shop", &Ok(Allowance { left_today, parked_until, ..Allowance::default() }), now())
        };
        let sync = |polled: Option<i64>, connected: i64| {
            let ago = |minutes: i64| now() - minutes.minutes();
            sync("Shop", polled.map(ago), ago(connected), now())
        };
        let done = Backfill::Done { at: now(), documents: 7, last_entry: 0 };
        graded(&[
            (calls(Some(900), None), Fine),
            (calls(None, None), Fine),
            (calls(Some(900), Some(-1)), Fine),
            (calls(Some(99), None), Warning),
            (calls(Some(900), Some(1)), Warning),
            (super::calls("Shop", &wrong(), now()), Warning),
            (sync(Some(15), 900), Fine),
            (sync(Some(36), 900), Warning),
            (sync(Some(66), 900), Failed),
            (sync(None, 5), Warning),
            (sync(None, 66), Failed),
            (history("Shop", done), Fine),
            (history("Shop", Backfill::Reading { from: now(), documents: 7 }), Warning),
            (history("Shop", Backfill::Opening { documents: 7 }), Warning),
        ]);
    }

    #[test]
    fn what_waits_for_people() {
        let leaving = |minutes: i64| to_leave("Shop", Some(now() - minutes.minutes()), now());
        graded(&[
            (your_turn("Shop", &[]), Fine),
            (your_turn("Shop", &["set the time zone".to_owned()]), Failed),
            (to_leave("Shop", None, now()), Fine),
            (leaving(59), Fine),
            (leaving(61), Warning),
            (counts("Shop", 0), Fine),
            (counts("Shop", 3), Warning),
            (recipients("Shop", 1, false, false), Fine),
            (recipients("Shop", 0, true, true), Fine),
            (recipients("Shop", 0, false, true), Warning),
            (recipients("Shop", 1, true, false), Failed),
        ]);
        assert!(phase("Shop", Phase::Observe).found.contains("nothing is written"));
        assert!(phase("Shop", Phase::Assist).found.contains("DRAFT"));
    }

    #[test]
    fn webhooks_and_queues() {
        let news = |minutes: Option<i64>, polled_since| {
            let by_webhook = minutes.map(|minutes| now() - minutes.minutes());
            webhook("Shop", News { by_webhook, polled_since }, now())
        };
        graded(&[
            (webhook_keys(&Ok(1), true), Fine),
            (webhook_keys(&Ok(1), false), Fine),
            (webhook_keys(&Ok(2), true), Warning),
            (webhook_keys(&Ok(0), false), Warning),
            (webhook_keys(&Ok(0), true), Failed),
            (webhook_keys(&wrong(), true), Failed),
            (news(Some(5), 3), Fine),
            (news(None, 3), Fine),
            (news(None, 20), Warning),
            (news(Some(5), 20), Warning),
            (queue("events", &Ok(1_000)), Fine),
            (queue("events", &Ok(1_001)), Warning),
            (queue("events", &wrong()), Failed),
            (letters(&Ok(0)), Fine),
            (letters(&Ok(1)), Failed),
            (letters(&wrong()), Failed),
        ]);
    }
}
