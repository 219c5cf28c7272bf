//! What plans of one supplier become: at most one proposal between plan and order.

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use super::plan::Plan;
use crate::document::Item;
use crate::governance::{Proposal, ProposalLine, ProposalState};
use crate::ids::{ContactId, LocationId, OrgId};

/// Lines of one proposal, so that its end, which takes back what each line wanted, fits into one commit; the
/// items after these, by code, wait until it is decided.
pub const PROPOSAL_LINES_MAX: usize = 90;
/// Days for which a line that a person rejected isn't proposed again.
pub const REJECTION_REST_DAYS: i64 = 14;
/// Unless so many percent more than the rejected quantity are wanted.
pub const REJECTION_GROWTH_PERCENT: i128 = 20;

/// A line that planning wants, with the day on which its goods should be there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The line.
    pub line: ProposalLine,
    /// When.
    pub wanted_on: Date,
}

/// What plans want to order, by supplier and in the order of item codes. Items without a supplier can't be
/// ordered and are left out; their plans say how much is missing.
pub fn wanted_by_supplier<'a>(
    plans: impl IntoIterator<Item = (&'a Item, &'a LocationId, &'a Plan)>,
) -> BTreeMap<ContactId, Vec<Wanted>> {
    let mut by_supplier: BTreeMap<ContactId, Vec<Wanted>> = BTreeMap::new();
    for (item, location, plan) in plans {
        let (Some(supplier), Some(quantity)) = (plan.supplier, plan.order) else { continue };
        let line = ProposalLine {
            item: item.id,
            code: item.code.clone(),
            name: item.name.clone(),
            location: location.clone(),
            quantity,
            unit_price: plan.unit_price,
            by: plan.by.clone(),
            reason: plan.reason.clone(),
            inputs: plan.inputs.clone(),
        };
        by_supplier.entry(supplier).or_default().push(Wanted { line, wanted_on: plan.wanted_on });
    }
    for wanted in by_supplier.values_mut() {
        wanted.sort_by(|a, b| (&a.line.code, &a.line.location).cmp(&(&b.line.code, &b.line.location)));
    }
    by_supplier
}

/// What becomes of a supplier's proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Nothing changes.
    Keep,
    /// A new proposal.
    Open(Proposal),
    /// The open proposal, changed; whoever was shown the old one must look again.
    Update(Proposal),
    /// The open proposal is not wanted any more.
    Withdraw(Proposal),
}

/// To whom a proposal goes.
#[derive(Clone, Copy, Debug)]
pub struct Supplier<'a> {
    /// Whose proposal it is.
    pub org: OrgId,
    /// The supplier.
    pub id: ContactId,
    /// The supplier's name.
    pub name: &'a str,
}

/// What becomes of a supplier's proposal, given what is wanted and the supplier's proposals that are pending
/// or were rejected in the last [`REJECTION_REST_DAYS`] days (older ones do no harm).
///
/// One proposal at a time: while an approved one is under way, or a failed one waits for a person, nothing
/// changes. Planning twice changes nothing: on the day of its plan an open proposal keeps its text as long
/// as items, quantities and prices are the same, so that a person can decide on what was shown.
pub fn propose(
    supplier: Supplier<'_>,
    wanted: &[Wanted],
    proposals: &[Proposal],
    today: Date,
    now: Timestamp,
) -> Decision {
    let is_under_way = |proposal: &Proposal| proposal.is_pending() && proposal.status != ProposalState::Open;
    if proposals.iter().any(is_under_way) {
        return Decision::Keep;
    }
    let open = proposals.iter().find(|proposal| proposal.status == ProposalState::Open);
    let kept: Vec<&Wanted> = wanted
        .iter()
        .filter(|wanted| !rests(&wanted.line, proposals, now))
        .take(PROPOSAL_LINES_MAX)
        .collect();
    let wanted_on = kept.iter().map(|wanted| wanted.wanted_on).min();
    let lines: Vec<ProposalLine> = kept.into_iter().map(|wanted| wanted.line.clone()).collect();
    match (open, wanted_on) {
        (None, None) => Decision::Keep,
        (None, Some(wanted_on)) => Decision::Open(Proposal {
            id: Proposal::new_id(supplier.org, supplier.id, now),
            supplier: supplier.id,
            supplier_name: supplier.name.to_owned(),
            planned_on: today,
            wanted_on,
            proposed_at: now,
            lines,
            status: ProposalState::Open,
        }),
        (Some(open), None) => {
            Decision::Withdraw(Proposal { status: ProposalState::Withdrawn { at: now }, ..open.clone() })
        }
        (Some(open), Some(_)) if open.planned_on == today && order_the_same(&open.lines, &lines) => {
            Decision::Keep
        }
        (Some(open), Some(wanted_on)) => {
            let planned = Proposal { planned_on: today, wanted_on, lines, ..open.clone() };
            if planned == *open { Decision::Keep } else { Decision::Update(planned) }
        }
    }
}

fn order_the_same(one: &[ProposalLine], other: &[ProposalLine]) -> bool {
    let ordered = |line: &ProposalLine| {
        (line.item, line.location.clone(), line.quantity, line.unit_price, line.by.clone())
    };
    one.iter().map(ordered).eq(other.iter().map(ordered))
}

/// Whether a person rejected this line lately, and not much more is wanted now.
fn rests(line: &ProposalLine, proposals: &[Proposal], now: Timestamp) -> bool {
    let rest = SignedDuration::from_hours(REJECTION_REST_DAYS.saturating_mul(24));
    let latest = proposals
        .iter()
        .filter_map(|proposal| match &proposal.status {
            ProposalState::Rejected { at, .. } if now.duration_since(*at) < rest => {
                let same = |old: &&ProposalLine| old.item == line.item && old.location == line.location;
                proposal.lines.iter().find(same).map(|old| (*at, old.quantity))
            }
            _ => None,
        })
        .max();
    latest.is_some_and(|(_, rejected)| {
        let threshold =
            i128::from(rejected.e4()).saturating_mul(REJECTION_GROWTH_PERCENT.saturating_add(100));
        i128::from(line.quantity.e4()).saturating_mul(100) < threshold
    })
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::plan::{PlanInput, plan};
    use super::super::sample::*;
    use super::*;
    use crate::governance::{Approval, Phase};
    use crate::ids::DocumentId;
    use crate::settings::{Origin, Sourced};

    fn supplier() -> Supplier<'static> {
        Supplier { org: OrgId(Uuid::from_u128(1)), id: ContactId(Uuid::from_u128(5)), name: "Acme" }
    }

    fn wanted(lines: &[(&str, &str)]) -> Vec<Wanted> {
        let line = |(code, quantity): &(&str, &str)| ProposalLine {
            item: item(code).id,
            code: (*code).to_owned(),
            name: String::new(),
            location: LocationId::main(),
            quantity: q(quantity),
            unit_price: "4.81".parse().unwrap(),
            by: None,
            reason: format!("{quantity} needed"),
            inputs: BTreeMap::new(),
        };
        lines.iter().map(|pair| Wanted { line: line(pair), wanted_on: day(12) }).collect()
    }

    fn opened(lines: &[(&str, &str)]) -> Proposal {
        match propose(supplier(), &wanted(lines), &[], TODAY, now()) {
            Decision::Open(proposal) => proposal,
            other => panic!("{other:?}"),
        }
    }

    fn later(hours: i64) -> Timestamp {
        now() + SignedDuration::from_hours(hours)
    }

    #[test]
    fn planning_twice_grows_no_second_proposal() {
        let open = opened(&[("BOX", "24"), ("TAPE", "6")]);
        let again = |lines: &[(&str, &str)], today| {
            propose(supplier(), &wanted(lines), std::slice::from_ref(&open), today, later(1))
        };
        assert_eq!(again(&[("BOX", "24"), ("TAPE", "6")], TODAY), Decision::Keep);

        let Decision::Update(updated) = again(&[("BOX", "36"), ("TAPE", "6")], TODAY) else { panic!() };
        assert_eq!((updated.id, updated.proposed_at), (open.id, open.proposed_at));
        assert_ne!(updated.contents(), open.contents(), "whoever was shown the old one must look again");

        let Decision::Update(next_day) = again(&[("BOX", "24"), ("TAPE", "6")], day(1)) else { panic!() };
        assert_eq!(next_day.planned_on, day(1));
        let Decision::Withdraw(withdrawn) = again(&[], TODAY) else { panic!() };
        assert_eq!(withdrawn.status, ProposalState::Withdrawn { at: later(1) });
        assert_eq!(propose(supplier(), &[], &[], TODAY, now()), Decision::Keep);
    }

    #[test]
    fn a_proposal_takes_a_limited_number_of_lines() {
        let codes: Vec<String> = (0..=PROPOSAL_LINES_MAX).map(|at| format!("ITEM-{at:04}")).collect();
        let lines: Vec<(&str, &str)> = codes.iter().map(|code| (code.as_str(), "1")).collect();
        let kept = opened(&lines).lines;
        assert_eq!(kept.len(), PROPOSAL_LINES_MAX);
        assert_eq!(kept.last().unwrap().code, format!("ITEM-{:04}", PROPOSAL_LINES_MAX - 1));
    }

    #[test]
    fn an_open_proposal_keeps_its_text_for_the_day() {
        let open = opened(&[("BOX", "24")]);
        let mut same = wanted(&[("BOX", "24")]);
        same[0].line.reason = "one was sold since".to_owned();
        assert_eq!(propose(supplier(), &same, &[open], TODAY, later(1)), Decision::Keep);
    }

    #[test]
    fn nothing_grows_beside_an_order_under_way() {
        let open = opened(&[("BOX", "24")]);
        let (approved, _, _) = open.approve(Phase::Assist, open.contents(), "Kim", now(), "PS-").unwrap();
        let ProposalState::Approved { approval, .. } = approved.status.clone() else { panic!() };
        let failed = ProposalState::Failed { approval: approval.clone(), reason: "refused".to_owned() };
        let done = ProposalState::Done { approval: Approval { ..approval }, order: DocumentId(Uuid::nil()) };
        let more = wanted(&[("TAPE", "6")]);
        let decide =
            |status| propose(supplier(), &more, &[Proposal { status, ..open.clone() }], TODAY, later(1));
        assert_eq!(decide(approved.status.clone()), Decision::Keep);
        assert_eq!(decide(failed), Decision::Keep);
        assert!(matches!(decide(done), Decision::Open(_)));
    }

    #[test]
    fn a_rejected_line_rests_until_its_time_or_until_much_more_is_wanted() {
        let open = opened(&[("BOX", "10"), ("TAPE", "6")]);
        let rejected = open.reject(open.contents(), "Kim", now(), "too early").unwrap();
        let codes = |lines: &[(&str, &str)], hours| match propose(
            supplier(),
            &wanted(lines),
            std::slice::from_ref(&rejected),
            day(1),
            later(hours),
        ) {
            Decision::Open(proposal) => proposal.lines.iter().map(|line| line.code.clone()).collect(),
            Decision::Keep => Vec::new(),
            other => panic!("{other:?}"),
        };
        let nothing: Vec<String> = Vec::new();
        assert_eq!(codes(&[("BOX", "10"), ("TAPE", "6")], 24), nothing);
        assert_eq!(codes(&[("BOX", "11.9999")], 24), nothing);
        assert_eq!(codes(&[("BOX", "12")], 24), ["BOX"]);
        assert_eq!(codes(&[("BOX", "10"), ("GLUE", "1")], 24), ["GLUE"]);
        assert_eq!(codes(&[("BOX", "10")], 24 * REJECTION_REST_DAYS - 1), nothing);
        assert_eq!(codes(&[("BOX", "10")], 24 * REJECTION_REST_DAYS), ["BOX"]);
    }

    #[test]
    fn wants_are_grouped_by_supplier_and_sorted_by_code() {
        let settings = settings();
        let of = |supplier: Option<u128>, on_hand| {
            let supplier =
                supplier.map(|id| Sourced { value: ContactId(Uuid::from_u128(id)), from: Origin::Item });
            plan(&PlanInput { supplier, ..input(on_hand, rate("2", "1.5"), &[], &settings) }).unwrap()
        };
        let (items, main) = (["TAPE", "BOX", "GLUE", "INK", "PEN"].map(item), LocationId::main());
        let plans = [of(Some(1), "3"), of(Some(1), "3"), of(Some(2), "3"), of(None, "3"), of(Some(2), "300")];
        let found = wanted_by_supplier(items.iter().zip(&plans).map(|(item, plan)| (item, &main, plan)));
        let codes: Vec<Vec<&str>> = found
            .values()
            .map(|lines| lines.iter().map(|wanted| wanted.line.code.as_str()).collect())
            .collect();
        assert_eq!(codes, [vec!["BOX", "TAPE"], vec!["GLUE"]]);
    }
}
