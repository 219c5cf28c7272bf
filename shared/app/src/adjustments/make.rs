//! A person makes adjustments, approves or rejects those that wait: decided in one commit, carried out by effects.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use parstock_domain::adjustment::{
    Adjustment, AdjustmentLine, AdjustmentNumber, Approved, AskedLine, Form, LINES_MAX, Stage, request, worth,
};
use parstock_domain::audit::Hash;
use parstock_domain::costing::Layer;
use parstock_domain::document::Item;
use parstock_domain::fixed::{Money, Quantity};
use parstock_domain::governance::{DecisionError, Phase};
use parstock_domain::ids::{DayNumber, EffectId, ItemId, LocationId, OrgId};
use parstock_domain::ledger::adjusted::unit_worth;
use parstock_domain::ledger::{Layers, Position};
use parstock_domain::settings::{OrgSettings, Policy};

use super::file::Asked;
use super::{adjustment, last_index, made_since, missing, question, question_key, under_way};
use crate::effects::plan_effects;
use crate::error::AppError;
use crate::landed;
use crate::load::{self, Versioned, removal};
use crate::ports::Ports;
use crate::records::{Backfill, EffectKind, Key, Pointer};
use crate::send::try_effects;
use crate::table::Wrong;
use crate::tries::Tries;
use crate::writer::{Reason, Writer};

/// Adjustments that one decision makes: its commit has up to four rows for each.
const ADJUSTMENTS_MAX: usize = 20;
/// Lines that a decision's audit entry names; it says how many there are.
const NAMED_MAX: usize = 20;
/// Codes whose rows are read at once.
const READ_AT_ONCE: usize = 250;
/// Characters of a person's reason.
const REASON_MAX: usize = 500;

/// Makes the adjustments that rows ask for, one for each day and way that they go, in one commit. With a single row that can't be
/// nothing is made.
///
/// # Errors
/// The rows that are wrong; or, as the outer error, what stands against all of them ([`AppError::Reject`]), or that the store did not
/// answer.
pub async fn make<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    asked: &[Asked],
) -> Result<Result<Vec<Adjustment>, Vec<Wrong>>, AppError> {
    let mut tries = Tries::begin(ports);
    let (made, effects) = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match make_once(&mut writer, who, asked, tries.began()).await {
            Ok(Ok(done)) => break done,
            Ok(Err(wrong)) => return Ok(Err(wrong)),
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
    Ok(Ok(made))
}

/// Approves an adjustment that waits, or has one tried again that was refused. `shown` is the hash of what the person saw; `None`
/// takes it as it stands.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it.
pub async fn approve<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    number: AdjustmentNumber,
    shown: Option<Hash>,
) -> Result<(), AppError> {
    let mut tries = Tries::begin(ports);
    let effects = loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match approve_once(&mut writer, who, number, shown).await {
            Ok(done) => break done,
            Err(error) => tries.next(error)?,
        }
    };
    try_effects(ports, org, effects).await;
    Ok(())
}

/// Rejects an adjustment that waits or was refused: it is never booked.
///
/// # Errors
/// [`AppError::Reject`] with what stands against it.
pub async fn reject<P: Ports>(
    ports: &P,
    org: OrgId,
    who: &str,
    number: AdjustmentNumber,
    why: &str,
) -> Result<(), AppError> {
    let why = why.trim();
    if why.is_empty() || why.chars().count() > REASON_MAX {
        return Err(AppError::Reject(format!(
            "give a reason of at most {REASON_MAX} characters: it is kept"
        )));
    }
    let mut tries = Tries::begin(ports);
    loop {
        let mut writer = Writer::open_unleased(ports, org).await?;
        match reject_once(&mut writer, who, number, why).await {
            Ok(()) => return Ok(()),
            Err(error) => tries.next(error)?,
        }
    }
}

type Made = (Vec<Adjustment>, Vec<EffectId>);

async fn make_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    asked: &[Asked],
    began: Timestamp,
) -> Result<Result<Made, Vec<Wrong>>, AppError> {
    if !matches!(writer.profile.content.backfill, Backfill::Done { .. }) {
        return Err(AppError::Reject(
            "the first load is not done yet, so what lies there is not known: adjust when the health page says that the history is whole".to_owned(),
        ));
    }
    let policy = load::one::<Policy>(writer.ports().store(), writer.owner(), Key::Policy).await?;
    let settings = policy.map(|row| row.content).unwrap_or_default().org();
    let standing = made_since(writer, began.min(writer.now())).await?;
    let draft = Draft::read(writer, asked).await?;
    // the same file given twice, or a try whose answer was lost: what it took out is not looked for once more
    let requests = draft.requests(asked)?;
    let is_rejected = |known: &&Adjustment| matches!(known.stage, Stage::Rejected { .. });
    let same = |request: &Hash| {
        let mut same = standing.iter().filter(|known| !is_rejected(known));
        same.find(|known| known.request == *request).cloned()
    };
    if let Some(known) = requests.iter().find_map(same) {
        if known.made_by == who && known.made_at >= began {
            return Ok(Ok((requests.iter().filter_map(same).collect(), Vec::new())));
        }
        return Err(AppError::Reject(format!(
            "the same was adjusted today as {}: if it happened once more, say so in a note",
            known.number
        )));
    }
    let groups = match draft.groups(asked, &under_way(writer).await?)? {
        Ok(groups) => groups,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let mut parts: Vec<(Date, Form, Vec<AdjustmentLine>)> = Vec::new();
    for ((on, form), lines) in groups {
        parts.extend(lines.chunks(LINES_MAX).map(|lines| (on, form, lines.to_vec())));
    }
    if parts.iter().any(|(_, form, _)| form.document().is_some()) {
        can_write(&settings)?;
    }
    if parts.is_empty() || parts.len() > ADJUSTMENTS_MAX {
        return Err(AppError::Reject(format!(
            "the rows make {} adjustments, one for each day, way and {LINES_MAX} lines; at once at most {ADJUSTMENTS_MAX} are made: split them",
            parts.len()
        )));
    }
    let (now, today) = (writer.now(), writer.clock().day_of(writer.now()));
    let mut total = Money::ZERO;
    for (_, _, lines) in &parts {
        total = total.plus(worth(lines)?)?;
    }
    // what was adjusted today counts with it, so that many small ones avoid nothing; and nobody knows how much an unknown cost is
    let mut of_today = total;
    for known in standing.iter().filter(|known| known.number.0.on == today) {
        if known.approved.is_none() && !matches!(known.stage, Stage::Waiting | Stage::Rejected { .. }) {
            of_today = of_today.plus(known.worth()?)?;
        }
    }
    let mut all_lines = parts.iter().flat_map(|(_, _, lines)| lines);
    let is_unknown = all_lines.any(|line| line.unit_cost <= Money::ZERO);
    let waits = settings.adjustment_value_max.filter(|most| of_today > *most || is_unknown);
    let mut last = last_index(&standing, today);
    let mut made = Vec::new();
    for ((on, form, lines), request) in parts.into_iter().zip(requests) {
        let number = DayNumber::after(today, last)?;
        last = number.index;
        let new = Adjustment::new(AdjustmentNumber(number), (on, form), lines, request, (who, now))?;
        made.push(Adjustment { stage: if waits.is_some() { Stage::Waiting } else { Stage::Booking }, ..new });
    }
    let (mut writes, mut effects) = (Vec::new(), Vec::new());
    let mut reason = Reason { who: who.to_owned(), ..Reason::own("make adjustments") }.with("worth", total);
    let mut named = 0;
    for new in &made {
        reason = reason.with(&new.number.to_string(), format!("{} lines of {}", new.lines.len(), new.on));
        for (index, line) in (1..).zip(&new.lines).take(NAMED_MAX.saturating_sub(named)) {
            let name = format!("{} {index} {}", new.number, line.code);
            reason = reason.with(&name, format!("{} {}", line.change, line.words()));
            named += 1;
        }
        match waits {
            Some(most) => {
                let text = format!(
                    "Adjustment {} by {who} is worth {}, and {of_today} would be adjusted today without a second decision; more than {most}, or what nobody knows the cost of, waits for one (`adjustment_value_max`). Approve or reject it on the page Adjustments.",
                    new.number,
                    new.worth()?
                );
                writes.push(question(now, new.number, text));
            }
            None => effects.push(EffectKind::Adjustment { number: new.number, again: 0 }),
        }
        writes.push(Versioned::new(new.clone()).write(Key::Adjustment(new.number)));
    }
    let effects = plan_effects(&mut writes, writer.org(), effects, now);
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(Ok((made, effects)))
}

/// Whether tracked stock may be adjusted in Xero.
fn can_write(settings: &OrgSettings) -> Result<(), AppError> {
    if settings.phase < Phase::Assist {
        return Err(AppError::Reject(DecisionError::Observing.to_string()));
    }
    if settings.adjustment_account.is_none() {
        return Err(AppError::Reject(
            "some of these items are tracked by Xero: set `adjustment_account` to the account that their value goes to (an expense or direct cost), or adjust them in Xero".to_owned(),
        ));
    }
    Ok(())
}

/// What an adjustment has to know of an item.
struct Known {
    item: Item,
    on_hand: Option<Quantity>,
    unit_worth: Money,
    /// How much adjustments that are under way and rows before take out.
    taken: Quantity,
}

impl Known {
    /// What the rows name, by code.
    async fn all<P: Ports>(
        writer: &Writer<'_, P>,
        asked: &[Asked],
        today: Date,
    ) -> Result<BTreeMap<String, Self>, AppError> {
        let mut codes: Vec<&String> = asked.iter().map(|row| &row.code).collect();
        codes.sort_unstable();
        codes.dedup();
        let (store, owner, main) = (writer.ports().store(), writer.owner(), LocationId::main());
        let mut known = BTreeMap::new();
        for codes in codes.chunks(READ_AT_ONCE) {
            let keys: Vec<Key> = codes.iter().map(|code| Key::ItemCode((*code).clone())).collect();
            let found = load::many::<Pointer<ItemId>>(store, owner, &keys).await?;
            let found = codes.iter().zip(found);
            let ids: Vec<(&String, ItemId)> =
                found.filter_map(|(code, row)| Some((*code, row?.content.to))).collect();
            let keys = |of: fn(ItemId, LocationId) -> Key| {
                ids.iter().map(|(_, id)| of(*id, main.clone())).collect::<Vec<Key>>()
            };
            let items = load::many::<Item>(store, owner, &keys(|id, _| Key::Item(id))).await?;
            let positions = load::many::<Position>(store, owner, &keys(Key::Position)).await?;
            let layers = load::many::<Layers>(store, owner, &keys(Key::Layer)).await?;
            for (((code, _), item), (position, layers)) in
                ids.iter().zip(items).zip(positions.into_iter().zip(layers))
            {
                let Some(item) = item else { continue };
                let position = position.map(|row| row.content).unwrap_or_default();
                let ours = layers.map(|row| row.content.total()).unwrap_or_default();
                let stock = match position.snapshot.filter(|_| item.content.tracked) {
                    Some(said) => Layer { quantity: said.xero.on_hand, cost: said.xero.cost_pool, ..ours },
                    None => ours,
                };
                let is_of_its_book = position.tracked == item.content.tracked;
                let one = Self {
                    on_hand: position.on_hand(today)?.quantity().filter(|_| is_of_its_book),
                    unit_worth: unit_worth(stock)?,
                    item: item.content,
                    taken: Quantity::ZERO,
                };
                known.insert((*code).clone(), one);
            }
        }
        Ok(known)
    }
}

/// Lines of adjustments, by their day and the way that they go.
type Groups = BTreeMap<(Date, Form), Vec<AdjustmentLine>>;

/// What stands against rows, or what they come to.
struct Draft {
    today: Date,
    locked_through: Option<Date>,
    known: BTreeMap<String, Known>,
}

impl Draft {
    async fn read<P: Ports>(writer: &Writer<'_, P>, asked: &[Asked]) -> Result<Self, AppError> {
        let today = writer.clock().day_of(writer.now());
        let locked_through = writer.profile.content.organisation.locked_through();
        Ok(Self { today, locked_through, known: Known::all(writer, asked, today).await? })
    }

    /// Hashes of what is asked for, one for each adjustment that would be made; none while an item is not known.
    fn requests(&self, asked: &[Asked]) -> Result<Vec<Hash>, AppError> {
        let mut groups: BTreeMap<(Date, Form), Vec<AskedLine>> = BTreeMap::new();
        for row in asked {
            let Some(known) = self.known.get(&row.code) else { return Ok(Vec::new()) };
            let line = AskedLine {
                item: known.item.id,
                change: row.quantity,
                reason: row.reason,
                note: row.note.trim().to_owned(),
                unit_cost: row.unit_cost,
            };
            let form = Form::of(known.item.tracked, row.quantity);
            groups.entry((row.on, form)).or_default().push(line);
        }
        let mut hashes = Vec::new();
        for ((on, _), lines) in groups {
            for lines in lines.chunks(LINES_MAX) {
                hashes.push(request(on, lines)?);
            }
        }
        Ok(hashes)
    }

    fn groups(
        self,
        asked: &[Asked],
        taken: &BTreeMap<ItemId, Quantity>,
    ) -> Result<Result<Groups, Vec<Wrong>>, AppError> {
        let Self { today, locked_through, mut known } = self;
        for known in known.values_mut() {
            known.taken = taken.get(&known.item.id).copied().unwrap_or_default();
        }
        let (mut groups, mut wrong) = (Groups::new(), Vec::new());
        for row in asked {
            match line(row, known.get_mut(&row.code), today, locked_through)? {
                Ok((form, line)) => groups.entry((row.on, form)).or_default().push(line),
                Err(what) => wrong.push(Wrong { line: row.line, what }),
            }
        }
        Ok(if wrong.is_empty() { Ok(groups) } else { Err(wrong) })
    }
}

/// The line that a row makes and the way that it goes, or what is wrong with it.
fn line(
    row: &Asked,
    known: Option<&mut Known>,
    today: Date,
    locked_through: Option<Date>,
) -> Result<Result<(Form, AdjustmentLine), String>, AppError> {
    let code = &row.code;
    let Some(known) = known else {
        return Ok(Err(format!("Xero lists no item with the code `{code}`")));
    };
    if let Err(misfit) = row.reason.check(row.quantity, &row.note) {
        return Ok(Err(misfit.to_string()));
    }
    if row.on > today {
        return Ok(Err(format!("{} has not come yet", row.on)));
    }
    let form = Form::of(known.item.tracked, row.quantity);
    if let Some(locked) = locked_through.filter(|locked| known.item.tracked && row.on <= *locked) {
        return Ok(Err(format!(
            "Xero's books are locked up to {locked}, and Xero tracks `{code}`: take a later day"
        )));
    }
    let Some(on_hand) = known.on_hand else {
        return Ok(Err(match known.item.tracked {
            true => {
                format!("Xero's quantity of `{code}` is not read yet: try again in a quarter of an hour")
            }
            false => format!("nobody has counted `{code}`: count it first with `parstock stock import`"),
        }));
    };
    let mut unit_cost = known.unit_worth;
    if row.quantity.is_negative() {
        if row.unit_cost.is_some() {
            return Ok(Err("unit_cost is for what comes in: leave it empty for what goes out".to_owned()));
        }
        known.taken = known.taken.plus(row.quantity.magnitude())?;
        if known.taken > on_hand {
            return Ok(Err(format!("{on_hand} of `{code}` lie there, and {} are to go out", known.taken)));
        }
    } else if let Some(named) = row.unit_cost {
        if named.is_negative() {
            return Ok(Err("unit_cost can't be below zero".to_owned()));
        }
        unit_cost = named;
    } else if unit_cost <= Money::ZERO {
        return Ok(Err(format!("unit_cost: what one of `{code}` is worth is not known, so say it")));
    }
    Ok(Ok((
        form,
        AdjustmentLine {
            item: known.item.id,
            code: code.clone(),
            change: row.quantity,
            reason: row.reason,
            unit_cost,
            note: row.note.trim().to_owned(),
        },
    )))
}

async fn approve_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    number: AdjustmentNumber,
    shown: Option<Hash>,
) -> Result<Vec<EffectId>, AppError> {
    let mut row = adjustment(writer, number).await?;
    let adjustment = &mut row.content;
    open(adjustment)?;
    if shown.is_some_and(|shown| shown != adjustment.contents) {
        return Err(AppError::Reject(format!("{number} is not what was shown: look at it again")));
    }
    if adjustment.form == Form::Ledger {
        let taken = under_way(writer).await?;
        if let Some(missing) = missing(writer, adjustment, &taken).await? {
            return Err(AppError::Reject(missing));
        }
    }
    if let Stage::Refused { is_uncertain, .. } = adjustment.stage {
        adjustment.again = adjustment.again.saturating_add(1);
        // what may be in Xero keeps its items until it is looked for
        adjustment.has_begun &= is_uncertain;
    }
    adjustment.stage = Stage::Booking;
    adjustment.approved = Some(Approved { by: who.to_owned(), at: writer.now() });
    let reason = Reason { who: who.to_owned(), ..Reason::own("approve adjustment") }
        .with("adjustment", number)
        .with("worth", adjustment.worth()?)
        .with("contents", adjustment.contents);
    let effect = EffectKind::Adjustment { number, again: adjustment.again };
    let mut writes = vec![removal(question_key(number)), row.write(Key::Adjustment(number))];
    let effects = plan_effects(&mut writes, writer.org(), vec![effect], writer.now());
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await?;
    Ok(effects)
}

async fn reject_once<P: Ports>(
    writer: &mut Writer<'_, P>,
    who: &str,
    number: AdjustmentNumber,
    why: &str,
) -> Result<(), AppError> {
    let mut row = adjustment(writer, number).await?;
    open(&row.content)?;
    let mut writes = landed::rejected(writer, &row.content).await?;
    row.content.stage = Stage::Rejected { by: who.to_owned(), at: writer.now(), reason: why.to_owned() };
    let reason = Reason { who: who.to_owned(), ..Reason::own("reject adjustment") }
        .with("adjustment", number)
        .with("reason", why);
    writes.extend([removal(question_key(number)), row.write(Key::Adjustment(number))]);
    let id = writer.new_commit();
    writer.commit(id, writes, reason).await
}

fn open(adjustment: &Adjustment) -> Result<(), AppError> {
    if adjustment.is_open() {
        return Ok(());
    }
    let (number, state) = (adjustment.number, adjustment.state_words());
    Err(AppError::Reject(format!("{number} does not wait for a decision: it is {state}")))
}
