//! `parstock health`: how far the figures can be trusted, and what waits.

use clap::Args;
use parstock_app::ports::QueueName;
use parstock_domain::ids::OrgId;
use parstock_views::digest::HistoryLoad;
use parstock_views::pages::{DeadLetter, QueueState};
use serde_json::json;

use super::Common;
use crate::ask::{Answer, Ask, console};
use crate::error::LocalError;
use crate::place::Place;

/// Shows the health.
#[derive(Args, Clone, Debug)]
pub struct Health {
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

impl Health {
    pub(super) fn ask(&self) -> Ask {
        Ask::Health
    }
}

/// What waits in the queues.
pub(crate) async fn queues(place: &impl Place) -> Vec<QueueState> {
    let letters = place.letters().await.ok();
    let mut states = Vec::new();
    for name in QueueName::ALL {
        states.push(QueueState {
            name: name.code().to_owned(),
            waiting: place.waiting(name).await.ok(),
            dead: letters.as_ref().map(|letters| {
                let of_this = letters.iter().filter(|letter| letter.queue == name.code());
                of_this
                    .map(|letter| DeadLetter {
                        id: letter.id.clone(),
                        cause: letter.cause.clone(),
                        at: letter.at,
                    })
                    .collect()
            }),
        });
    }
    states
}

/// Answers it.
pub(crate) async fn answer(place: &impl Place, org: OrgId) -> Result<Answer, LocalError> {
    let page = console(place, org).await?.health(queues(place).await).await?;
    let history = match page.history {
        HistoryLoad::Reading { documents } => format!("being read, {documents} documents so far"),
        HistoryLoad::Opening { documents } => {
            format!("{documents} documents read, opening balances are being derived")
        }
        HistoryLoad::Whole => "whole".to_owned(),
    };
    let polled = page.polled_at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    let left = page.calls_left.map_or_else(|| "unknown".to_owned(), |left| left.to_string());
    let mut text = format!(
        "last poll   {polled}\nhistory     {history}\ncalls left  {left}\nhints       {} wait\n",
        page.hints
    );
    if let Some(until) = page.parked_until {
        text.push_str(&format!("parked      until {until}\n"));
    }
    for document in &page.part_booked {
        text.push_str(&format!(
            "in work     {} {} ({}): {}\n",
            document.what,
            document.number,
            document.contact,
            document.words()
        ));
    }
    for queue in &page.queues {
        let count = |count: Option<u64>| count.map_or_else(|| "?".to_owned(), |count| count.to_string());
        let dead = queue.dead.as_ref().map(|dead| u64::try_from(dead.len()).unwrap_or(u64::MAX));
        text.push_str(&format!(
            "queue       {}: {} wait, {} dead\n",
            queue.name,
            count(queue.waiting),
            count(dead)
        ));
        for letter in queue.dead.iter().flatten() {
            text.push_str(&format!("dead letter {} since {}: {}\n", letter.id, letter.at, letter.cause));
        }
    }
    for effect in &page.effects {
        text.push_str(&format!(
            "to leave    {}: {} after {} tries\n",
            effect.what, effect.state, effect.attempts
        ));
    }
    let checked =
        page.audit_checked_at.map_or_else(|| "not checked yet".to_owned(), |at| format!("whole at {at}"));
    text.push_str(&format!("audit       {} entries, {}; {checked}\n", page.audit.seq, page.audit.hash));
    for what in &page.needs_person {
        text.push_str(&format!("your turn   {what}\n"));
    }
    let json = json!({
        "polled_at": page.polled_at.map(|at| at.to_string()), "history": history, "calls_left": page.calls_left,
        "parked_until": page.parked_until.map(|at| at.to_string()), "hints": page.hints,
        "part_booked": page.part_booked.iter().map(|document| json!({
            "kind": document.what, "number": document.number, "contact": document.contact,
            "booked": document.booked, "lines": document.lines,
        })).collect::<Vec<_>>(),
        "queues": page.queues.iter().map(|queue| json!({
            "name": queue.name, "waiting": queue.waiting, "dead": queue.dead.as_ref().map(Vec::len),
            "letters": queue.dead.iter().flatten().map(|letter| json!({
                "id": letter.id, "cause": letter.cause, "at": letter.at.to_string(),
            })).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "effects": page.effects.iter().map(|effect| json!({
            "what": effect.what, "state": effect.state, "attempts": effect.attempts, "since": effect.since.to_string(),
        })).collect::<Vec<_>>(),
        "audit": {
            "entries": page.audit.seq, "hash": page.audit.hash.to_string(),
            "checked_at": page.audit_checked_at.map(|at| at.to_string()),
        },
        "needs_person": page.needs_person,
    });
    Ok(Answer::new(json, text))
}
