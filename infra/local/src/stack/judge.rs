//! What the facts about a stack's ground mean: one function per check.

use crate::doctor::Finding;
use crate::doctor::judge::{failed, ok, unseen, warning};

/// The state of the stack, in CloudFormation's words.
pub fn state(state: &str, reason: Option<&str>) -> Finding {
    let check = "stack";
    let found = reason.map_or_else(|| state.to_owned(), |reason| format!("{state}: {reason}"));
    match state {
        "CREATE_COMPLETE" | "UPDATE_COMPLETE" | "IMPORT_COMPLETE" => ok(check, found),
        "UPDATE_ROLLBACK_COMPLETE" | "IMPORT_ROLLBACK_COMPLETE" => warning(
            check,
            found,
            "The last deployment was taken back and the version before it works: look at the stack's events, then \
             deploy again",
        ),
        "UPDATE_IN_PROGRESS"
        | "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"
        | "UPDATE_ROLLBACK_IN_PROGRESS"
        | "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS" => {
            warning(check, found, "A deployment is under way: look again when it has ended")
        }
        "CREATE_IN_PROGRESS" | "REVIEW_IN_PROGRESS" | "IMPORT_IN_PROGRESS" => {
            failed(check, found, "It is being made: try again when that has ended")
        }
        "UPDATE_FAILED" | "UPDATE_ROLLBACK_FAILED" => failed(
            check,
            found,
            "Look at the stack's events for the cause, mend it, then choose `Continue update rollback` or deploy again",
        ),
        "DELETE_IN_PROGRESS" | "DELETE_COMPLETE" | "DELETE_FAILED" => failed(
            check,
            found,
            "It is deleted; what its table held is kept there until you delete that, too",
        ),
        _ => failed(
            check,
            found,
            "It never came up: look at its events for the cause, delete the stack, and deploy again",
        ),
    }
}

/// The table, as far as DynamoDB describes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// `ACTIVE` and the like.
    pub status: String,
    /// Whether it can't be deleted by mistake.
    pub protected: bool,
}

/// Whether the table works.
pub fn table(found: &Result<Table, String>) -> Vec<Finding> {
    match found {
        Err(why) => vec![failed("table", why, "Nothing can be kept or shown without it")],
        Ok(table) => vec![
            match table.status.as_str() {
                "ACTIVE" | "UPDATING" => ok("table", &*table.status),
                other => failed("table", other, "Look at it in the DynamoDB console"),
            },
            match table.protected {
                true => ok("deletion protection", "on"),
                false => warning(
                    "deletion protection",
                    "off: the table can be deleted by mistake",
                    "Switch it on at the table, or deploy the template again",
                ),
            },
        ],
    }
}

/// Whether the table can be set back to any moment of the last days.
pub fn recovery(found: &Result<bool, String>) -> Finding {
    switch(
        "point-in-time recovery",
        found,
        "off: what is lost stays lost",
        "Switch it on at the table, or deploy the template again",
    )
}

/// Whether rows that have served their time go away.
pub fn expiry(found: &Result<bool, String>) -> Finding {
    switch(
        "expiry of rows",
        found,
        "off: the table only grows",
        "Switch TTL on at the table, or deploy the template again",
    )
}

fn switch(check: &str, found: &Result<bool, String>, off: &str, to_do: &str) -> Finding {
    match found {
        Ok(true) => ok(check, "on"),
        Ok(false) => warning(check, off, to_do),
        Err(why) => unseen(check, why),
    }
}

/// The secret of the console's sign-in; `Ok(None)` if there is none, `Ok(Some(false))` if it has another form.
pub fn console_secret(found: &Result<Option<bool>, String>) -> Finding {
    let check = "console secret";
    match found {
        Ok(Some(true)) => ok(check, "there, in the right form"),
        Ok(Some(false)) => failed(check, "it has another form", "Store it again: JSON with its fields"),
        Ok(None) => failed(check, "there is none, so nobody can sign in", "Store the secret `console`"),
        Err(why) => unseen(check, why),
    }
}

/// Whether mails may go out at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailing {
    /// Whether the account is out of SES's sandbox.
    pub production: bool,
    /// Whether SES lets the account send.
    pub sends: bool,
}

/// Whether SES lets the account send, and to whom.
pub fn mailing(found: &Result<Mailing, String>) -> Finding {
    let check = "mail account";
    match found {
        Ok(Mailing { sends: false, .. }) => {
            failed(check, "SES has stopped this account's mails", "Look at the account dashboard of SES")
        }
        Ok(Mailing { production: false, .. }) => warning(
            check,
            "in SES's sandbox: mails reach verified addresses only",
            "Ask for production access in SES, or verify each recipient",
        ),
        Ok(_) => ok(check, "may send to anybody"),
        Err(why) => unseen(check, why),
    }
}

/// Whether the sender's address, or its domain, is verified; `Ok(None)` if SES knows neither.
pub fn sender(from: &str, found: &Result<Option<bool>, String>) -> Finding {
    let check = format!("sender {from}");
    match found {
        Ok(Some(true)) => ok(check, "verified"),
        Ok(Some(false)) => failed(
            check,
            "not verified, so no mail leaves",
            "Open the link that AWS has mailed to it, or set the DNS records that SES names for its domain",
        ),
        Ok(None) => failed(check, "SES does not know it", "Deploy the template with the right MailFrom"),
        Err(why) => unseen(check, why),
    }
}

/// How many hear of the stack's alarms: confirmed and pending subscriptions.
pub fn listeners(found: &Result<(u32, u32), String>) -> Finding {
    let check = "alarm recipients";
    match found {
        Ok((0, 0)) => failed(
            check,
            "nobody hears of alarms",
            "Subscribe an address to the topic of the output AlarmTopic",
        ),
        Ok((0, pending)) => failed(
            check,
            format!("nobody hears of alarms: {pending} subscriptions wait for their confirmation"),
            "Open the link in the mail that AWS has sent",
        ),
        Ok((confirmed, 0)) => ok(check, format!("{confirmed} confirmed")),
        Ok((confirmed, pending)) => warning(
            check,
            format!("{confirmed} confirmed, {pending} wait for their confirmation"),
            "Open the link in the mail that AWS has sent",
        ),
        Err(why) => unseen(check, why),
    }
}

/// The stack's alarms by name, and whether each is raised.
pub fn alarms(found: &Result<Vec<(String, bool)>, String>) -> Finding {
    let check = "alarms";
    match found {
        Ok(all) if all.is_empty() => {
            failed(check, "the stack has none", "Deploy the template again: it makes ten")
        }
        Ok(all) => {
            let raised: Vec<&str> =
                all.iter().filter(|(_, raised)| *raised).map(|(name, _)| name.as_str()).collect();
            if raised.is_empty() {
                ok(check, format!("none of {} is raised", all.len()))
            } else {
                let what = format!("raised: {}", raised.join(", "));
                failed(check, what, "Do what docs/operations.md says of each")
            }
        }
        Err(why) => unseen(check, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Grade::{Failed, Ok as Fine, Warning};
    use crate::doctor::graded;

    fn denied<T>() -> Result<T, String> {
        Err("AccessDenied".to_owned())
    }

    #[test]
    fn the_state_of_the_stack() {
        graded(&[
            (state("CREATE_COMPLETE", None), Fine),
            (state("UPDATE_COMPLETE", None), Fine),
            (state("UPDATE_ROLLBACK_COMPLETE", None), Warning),
            (state("UPDATE_IN_PROGRESS", None), Warning),
            (state("CREATE_IN_PROGRESS", None), Failed),
            (state("ROLLBACK_COMPLETE", Some("a name is taken")), Failed),
            (state("UPDATE_ROLLBACK_FAILED", None), Failed),
            (state("DELETE_COMPLETE", None), Failed),
            (state("SOMETHING_NEW", None), Failed),
        ]);
        assert!(state("ROLLBACK_COMPLETE", Some("a name is taken")).found.contains("a name is taken"));
    }

    #[test]
    fn the_table() {
        let table = |status: &str, protected| table(&Ok(Table { status: status.to_owned(), protected }));
        let grades = |findings: Vec<Finding>| findings.iter().map(|one| one.grade).collect::<Vec<_>>();
        assert_eq!(grades(table("ACTIVE", true)), [Fine, Fine]);
        assert_eq!(grades(table("ACTIVE", false)), [Fine, Warning]);
        assert_eq!(grades(table("DELETING", true)), [Failed, Fine]);
        assert_eq!(grades(super::table(&denied())), [Failed]);
        graded(&[
            (recovery(&Ok(true)), Fine),
            (recovery(&Ok(false)), Warning),
            (recovery(&denied()), Warning),
            (expiry(&Ok(true)), Fine),
            (expiry(&Ok(false)), Warning),
            (expiry(&denied()), Warning),
        ]);
    }

    #[test]
    fn sign_in_and_mail() {
        let account = |production, sends| mailing(&Ok(Mailing { production, sends }));
        graded(&[
            (console_secret(&Ok(Some(true))), Fine),
            (console_secret(&Ok(Some(false))), Failed),
            (console_secret(&Ok(None)), Failed),
            (console_secret(&denied()), Warning),
            (account(true, true), Fine),
            (account(false, true), Warning),
            (account(true, false), Failed),
            (mailing(&denied()), Warning),
            (sender("a@example.com", &Ok(Some(true))), Fine),
            (sender("a@example.com", &Ok(Some(false))), Failed),
            (sender("a@example.com", &Ok(None)), Failed),
            (sender("a@example.com", &denied()), Warning),
        ]);
    }

    #[test]
    fn who_hears_of_alarms() {
        graded(&[
            (listeners(&Ok((1, 0))), Fine),
            (listeners(&Ok((1, 1))), Warning),
            (listeners(&Ok((0, 1))), Failed),
            (listeners(&Ok((0, 0))), Failed),
            (listeners(&denied()), Warning),
        ]);
    }

    #[test]
    fn which_alarms_are_raised() {
        let all = |raised: &[bool]| Ok(raised.iter().map(|raised| ("shop-A".to_owned(), *raised)).collect());
        graded(&[
            (alarms(&all(&[false, false])), Fine),
            (alarms(&all(&[false, true])), Failed),
            (alarms(&all(&[])), Failed),
            (alarms(&denied()), Warning),
        ]);
    }
}
