//! What a world is opened with: credentials, limits, switches for unconfirmed facts, and faults.

use serde::{Deserialize, Serialize};

use crate::ids::draw;
use crate::oauth::Consent;

/// Calls a day on Xero's smallest plan.
pub const STARTER_CALLS_PER_DAY: u32 = 1_000;
/// `Retry-After` of [`ApiFault::LongDayLimit`], in seconds: 20 hours.
pub const LONG_RETRY_AFTER: i64 = 20 * 3_600;
/// By how much [`ApiFault::SkewedDate`] is ahead, in seconds.
pub const DATE_SKEW: i64 = 3_600;
/// Rates of faults are counted per this many.
const PER_MILLE: u64 = 1_000;

/// The app's credentials and the world's behaviour.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Client id of the app: of its custom connection, and of the consents that people give it.
    pub client_id: String,
    /// Client secret of the app.
    pub client_secret: String,
    /// Key that webhooks are signed with, used as the bytes of this very text.
    pub webhook_key: String,
    /// Calls a day, see [`STARTER_CALLS_PER_DAY`].
    pub day_limit: u32,
    /// How facts that nobody confirmed turn out.
    pub switches: Switches,
    /// What goes wrong.
    pub faults: Faults,
    /// How people answer when they are asked for their consent.
    pub consent: Consent,
}

impl Settings {
    /// Settings for development: credentials that follow from the seed and open nothing real.
    pub fn development(seed: u64) -> Settings {
        let ids = crate::ids::Ids::new(seed);
        let word = |what: &str| ids.id(what).simple().to_string();
        Settings {
            client_id: word("client id").to_uppercase(),
            client_secret: format!("sim-{}", word("client secret")),
            webhook_key: format!("{}{}==", word("webhook key"), word("webhook key, second half")),
            day_limit: STARTER_CALLS_PER_DAY,
            switches: Switches::default(),
            faults: Faults::default(),
            consent: Consent::default(),
        }
    }
}

/// Behaviour that no public source confirms. Each switch has a test for both ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// The text with which a sale beyond the stock is refused.
    pub oversell_text: String,
    /// An approved document with total 0 is at once PAID instead of AUTHORISED.
    pub zero_total_is_paid: bool,
    /// Paying an invoice raises a webhook event.
    pub payment_raises_event: bool,
    /// A list of invoices omits VOIDED and DELETED ones unless `Statuses`, `IDs` or `InvoiceNumbers` asks.
    pub lists_omit_deleted: bool,
    /// A supplier's credit takes its line amount out of the cost pool instead of the average cost.
    pub supplier_credit_at_line_amount: bool,
    /// A purchase order may go from DRAFT or SUBMITTED straight to BILLED.
    pub unapproved_order_may_be_billed: bool,
    /// 429 for too many calls at once carries `Retry-After` too.
    pub concurrent_has_retry_after: bool,
    /// An update of an item clears what it leaves out instead of leaving it as it is.
    pub item_update_clears_left_out: bool,
    /// An item that is sent with a quantity or a cost pool is refused instead of these being ignored.
    pub sent_quantity_is_refused: bool,
    /// A new line that names an inactive item is refused as if there were no such item.
    pub archived_item_is_refused: bool,
    /// The scope `accounting.invoices` alone is enough to write items.
    pub items_written_with_invoices_scope: bool,
    /// Lines of prepayments and overpayments that name a tracked item move its stock, as those of other money do.
    pub advances_move_stock: bool,
    /// A credit note is refused to whom Organisation Actions don't let draft a bill, or an invoice, since they name no action of
    /// credit notes.
    pub credit_notes_need_draft_action: bool,
    /// A credit note may be set against an invoice on a day that is locked.
    pub locked_days_take_allocations: bool,
    /// A refresh token that is used again within its grace ends the one that its first use gave, if that is unused.
    pub reuse_ends_the_successor: bool,
}

impl Default for Switches {
    fn default() -> Switches {
        Switches {
            oversell_text: "No items available to sell".to_owned(),
            zero_total_is_paid: false,
            payment_raises_event: true,
            lists_omit_deleted: false,
            supplier_credit_at_line_amount: false,
            unapproved_order_may_be_billed: false,
            concurrent_has_retry_after: false,
            item_update_clears_left_out: false,
            sent_quantity_is_refused: false,
            archived_item_is_refused: true,
            items_written_with_invoices_scope: true,
            advances_move_stock: true,
            credit_notes_need_draft_action: true,
            locked_days_take_allocations: false,
            reuse_ends_the_successor: true,
        }
    }
}

/// What can go wrong with an API call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ApiFault {
    /// 429, `X-Rate-Limit-Problem: minute`.
    MinuteLimit,
    /// 429, `X-Rate-Limit-Problem: day`.
    DayLimit,
    /// 429, `X-Rate-Limit-Problem: day`, with a `Retry-After` of [`LONG_RETRY_AFTER`].
    LongDayLimit,
    /// 429, `X-Rate-Limit-Problem: concurrent`.
    ConcurrentLimit,
    /// 429, `X-Rate-Limit-Problem: appminute`: all organisations of the app together.
    AppMinuteLimit,
    /// 500, nothing done.
    ServerError,
    /// 503, nothing done.
    Unavailable,
    /// The connection closes without an answer, nothing done.
    DroppedBefore,
    /// The connection closes without an answer although the work is done.
    DroppedAfterCommit,
    /// The answer takes some seconds of wall time.
    Slow,
    /// 401: the access token ended before its time, in the middle of a run of calls.
    TokenExpired,
    /// 403 with `AuthenticationUnsuccessful`, as after the organisation removed the app.
    Disconnected,
    /// 403 for a scope that the token does not have.
    ScopeMissing,
    /// The header `Date` is off by [`DATE_SKEW`]; the body is right.
    SkewedDate,
    /// Right before a page is read, somebody changes the first half of the page before it: what was behind moves up.
    ShiftedPage,
}

/// What can go wrong with a webhook event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WebhookFault {
    /// Never sent.
    Lost,
    /// Sent twice, the second time later.
    Doubled,
    /// Sent much later, after newer events.
    Late,
}

/// How often things go wrong, in per mille. The same seed goes wrong in the same places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Per mille of API calls, by fault; the sum should stay below 1,000.
    pub api: Vec<(ApiFault, u16)>,
    /// Per mille of webhook events, by fault; the sum should stay below 1,000.
    pub webhook: Vec<(WebhookFault, u16)>,
    /// No refusal says when to come again.
    pub without_retry_after: bool,
}

/// Keeps the draws of API calls and webhook events apart.
const API_STREAM: u64 = 1;
const WEBHOOK_STREAM: u64 = 2;

impl Faults {
    /// The fault of the API call with this number, a pure function of seed and number.
    pub fn of_call(&self, seed: u64, call: u64) -> Option<ApiFault> {
        pick(&self.api, draw(seed, API_STREAM, call))
    }

    /// The fault of the webhook event with this number, a pure function of seed and number.
    pub fn of_event(&self, seed: u64, event: u64) -> Option<WebhookFault> {
        pick(&self.webhook, draw(seed, WEBHOOK_STREAM, event))
    }
}

fn pick<F: Copy>(rates: &[(F, u16)], drawn: u64) -> Option<F> {
    let mut left = drawn % PER_MILLE;
    for (fault, per_mille) in rates {
        match left.checked_sub(u64::from(*per_mille)) {
            None => return Some(*fault),
            Some(rest) => left = rest,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_at_their_rate_and_at_the_same_places() {
        let faults = Faults {
            api: vec![(ApiFault::ServerError, 50), (ApiFault::Slow, 100)],
            webhook: vec![(WebhookFault::Lost, 1_000)],
            without_retry_after: false,
        };
        let drawn: Vec<_> = (0..10_000).map(|call| faults.of_call(7, call)).collect();
        let count = |fault| drawn.iter().filter(|&&f| f == Some(fault)).count();
        assert!((400..600).contains(&count(ApiFault::ServerError)), "{}", count(ApiFault::ServerError));
        assert!((850..1_150).contains(&count(ApiFault::Slow)), "{}", count(ApiFault::Slow));
        assert_eq!(drawn, (0..10_000).map(|call| faults.of_call(7, call)).collect::<Vec<_>>());
        assert_ne!(drawn, (0..10_000).map(|call| faults.of_call(8, call)).collect::<Vec<_>>());
        assert_eq!(faults.of_event(1, 1), Some(WebhookFault::Lost));
        assert_eq!(Faults::default().of_call(1, 1), None);
    }
}
