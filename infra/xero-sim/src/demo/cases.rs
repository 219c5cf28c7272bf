//! Which seeded item shows which case.
//!
//! "Day 1" is the first trading day, the others are counted from it; days before it are below zero. Times are local.
//!
//! | case | where | what happens |
//! |---|---|---|
//! | crosses its reorder point, tracked | [`CROSSES_TRACKED`] | invoice of day 1 at 11:00 leaves 10 of more than 160 |
//! | crosses its reorder point, untracked | [`CROSSES_UNTRACKED`] | invoice of day 1 at 11:20 leaves 9 of more than 150 |
//! | out of stock, nothing ordered | [`OUT_OF_STOCK`] | runs out four days before day 1 |
//! | low, nothing ordered, short lead time | [`LOW_UNTRACKED`] | one or two left on day 1 |
//! | low, nothing ordered, 45 days of lead time | [`LOW_LONG_LEAD`] | at most 9 left on day 1 |
//! | a draft commits | [`DRAFT_COMMITS`] | draft invoice over 12 from day -1, approved on day 3 at 10:00 |
//! | void | [`VOIDED`] | invoice over 5 of day 1 at 13:00, voided on day 2 at 09:20 |
//! | edit | [`EDITED`] | invoice over 4 of day 1 at 14:00, changed to 6 on day 2 at 10:30 |
//! | return | [`RETURNED`] | invoice over 3 of day 1 at 15:00, credit note over 2 on day 2 at 15:30 |
//! | partial delivery | [`PARTIAL_ITEMS`] on [`PARTIAL_ORDER`] | 36 of 48 and 24 of 24 billed on day -2, the rest on day 4 |
//! | unclear arrival, for review | [`UNCLEAR`] | [`UNCLEAR_ORDERS`] are both open over 24; a bill over 24 without number on day -3 |
//! | price rise | supplier [`PRICE_RISE_SUPPLIER`] | up by [`PRICE_RISE_PERCENT`] on the first of the month, four months before day 1 |
//! | price forgotten | [`PRICE_FORGOTTEN`] | of the same supplier, and nobody changed its price in Xero |
//! | stock adjusted in Xero, up | [`ADJUSTED_UP`] | zero-total bill over 6 on day -20, over 3 on day 3 at 12:00 |
//! | stock adjusted in Xero, down | [`ADJUSTED_DOWN`] | zero-total credit note from a supplier over 4 on day -18 |
//! | goods sent back to a supplier | [`SENT_BACK`] | supplier's credit note over 5 on day -60 |
//! | dead stock | [`DEAD`] | no sale for [`DEAD_SINCE_DAYS`] days, at least 36 left |
//! | intermittent demand | [`INTERMITTENT`] | a sale every few weeks or months |
//! | overstock | [`OVERSTOCK`] | 240 bought by mistake on day -200, where one sells in a week or two |
//! | bought by the carton, sold one by one | [`BY_THE_CARTON`] | its supplier's papers count cartons, which Xero doesn't know |
//! | not counted | [`NOT_COUNTED`] | untracked, without opening stock in the file |
//!
//! History also has these without a fixed place: edited and voided invoices, returns, drafts thrown away, discounts,
//! freight lines without item, bills without order number, part deliveries, counter takings (RECEIVE) and purchases
//! over the counter (SPEND).

/// Its supplier's papers count it by the carton, where the shop sells single ones. Xero doesn't know that.
pub const BY_THE_CARTON: &str = "P-1043";

/// Sells below its reorder point on day 1; Xero keeps its quantity.
pub const CROSSES_TRACKED: &str = "P-1003";
/// Sells below its reorder point on day 1; parstock keeps its quantity.
pub const CROSSES_UNTRACKED: &str = "P-1007";
/// Has nothing left and nothing on order.
pub const OUT_OF_STOCK: &str = "P-1014";
/// Is low with nothing on order.
pub const LOW_UNTRACKED: &str = "P-1020";
/// Is low with nothing on order, from the supplier with the longest lead time.
pub const LOW_LONG_LEAD: &str = "P-1027";
/// Stands on a draft invoice.
pub const DRAFT_COMMITS: &str = "P-1010";
/// Its invoice is voided.
pub const VOIDED: &str = "P-1016";
/// Its invoice is edited.
pub const EDITED: &str = "P-1018";
/// Comes back from a customer.
pub const RETURNED: &str = "P-1022";
/// The order that is delivered in parts.
pub const PARTIAL_ORDER: &str = "PO-2901";
/// The items on it: the first comes in part, the second in full.
pub const PARTIAL_ITEMS: [&str; 2] = ["P-1005", "P-1006"];
/// Arrives without saying for which order.
pub const UNCLEAR: &str = "P-1032";
/// Its two open orders.
pub const UNCLEAR_ORDERS: [&str; 2] = ["PO-2902", "PO-2903"];
/// Place in [`SUPPLIERS`](super::SUPPLIERS) of the one that raises its prices.
pub const PRICE_RISE_SUPPLIER: usize = 2;
/// By how much, in percent.
pub const PRICE_RISE_PERCENT: i128 = 12;
/// The item whose price in Xero nobody changed when it rose.
pub const PRICE_FORGOTTEN: &str = "P-1045";
/// Was found in a count and added in Xero.
pub const ADJUSTED_UP: &str = "P-1037";
/// Was missed in a count and taken out in Xero.
pub const ADJUSTED_DOWN: &str = "P-1040";
/// Went back to its supplier.
pub const SENT_BACK: &str = "P-1030";
/// Doesn't sell any more.
pub const DEAD: &str = "P-1044";
/// Since when, in days before day 1.
pub const DEAD_SINCE_DAYS: i64 = 280;
/// Sell rarely.
pub const INTERMITTENT: [&str; 3] = ["P-1046", "P-1047", "P-1058"];
/// There is far too much of it.
pub const OVERSTOCK: &str = "P-1038";
/// Nobody has counted them.
pub const NOT_COUNTED: [&str; 3] = ["P-1048", "P-1059", "P-1060"];
