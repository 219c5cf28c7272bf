//! The console's pages. Each is a struct of plain values with a `render` method; no page needs a script.
//!
//! Their paths, below [`Site::root`]: `/` (positions), `/positions`, `/items/{item}` with `POST …/count`, `/proposals`,
//! `/proposals/{id}` with `POST …/approve` and `POST …/reject`, `/digest` (the latest), `/digests/{day}`,
//! `/health`, `/proof`, `/closings`, `/closings/{month}/{number}`, `/journals`, `/journals/{number}`, `/landed`, `/landed/new`, `/landed/{number}` with `POST …/take-back`,
//! `POST /landed/preview`, `POST /landed`, `POST /landed/leave`, `POST /landed/papers`, `/receipts`, `/receipts/new`, `POST /receipts`, `/receipts/{name}` with `POST …/decide` and
//! `POST …/take-back`, `/adjustments` with `POST /adjustments`, `POST …/{number}/approve` and `…/reject`, `/reviews`. At the console's own root: `/sign-in`, `/sign-in/link`, `POST /sign-out`, `/connections`,
//! `/connections/callback`, `/connections/{name}/disconnect` and `POST /connections/{name}/connect`, `…/choose`.
//! A GET changes nothing.

mod adjustments;
mod card;
mod closings;
mod connections;
mod consent;
mod digest;
mod error;
mod health;
mod item;
mod journals;
mod landed;
mod positions;
mod positions_at;
mod prices;
mod proof;
mod proposals;
mod receipts;
mod reviews;
mod sign_in;

use jiff::Zoned;
use parstock_domain::audit::Hash;
use parstock_domain::governance::Phase;

pub use adjustments::{ADJUSTMENTS_SHOWN_MAX, AdjustmentsPage, EnteredAdjustment};
pub use card::{CARD_LINES_PER_PAGE, CardRow, CardShown, LayerRow, PartRow, RESTATED_SHOWN_MAX, RestatedRow};
pub use closings::{CLOSED_ITEMS_SHOWN_MAX, ClosingPage, ClosingsPage};
pub use connections::{ChoosePage, ConnectionRow, ConnectionsPage, ConsentedPage, DisconnectPage, Frame};
pub use consent::ConsentPage;
pub use digest::DigestPage;
pub use error::ErrorPage;
pub use health::{DeadLetter, HealthPage, PartBooked, PendingEffect, QueueState};
pub use item::{EnteredCount, ItemPage, OpenOrder, PlanShown};
pub use journals::{JOURNAL_LINES_SHOWN_MAX, JOURNALS_SHOWN_MAX, JournalLine, JournalPage, JournalsPage};
pub use landed::{
    BILLS_SHOWN_MAX, BillRow, Entered, LandedChoicePage, LandedFormPage, LandedPage, LandedPreviewPage,
    ReceiptRow, VOUCHERS_SHOWN_MAX, VoucherPage, receipt_key,
};
pub use positions::{POSITIONS_PER_PAGE, PositionQuery, PositionRow, PositionsPage};
pub use positions_at::{PositionAt, PositionsAtPage};
pub use prices::{PRICES_SHOWN_MAX, PricesPage, moved_per_mille, price_key};
pub use proof::ProofPage;
pub use proposals::{PROPOSALS_MAX, ProposalPage, ProposalRow, ProposalsPage};
pub use receipts::{
    RECEIPTS_SHOWN_MAX, ReceiptFields, ReceiptFormPage, ReceiptPage, ReceiptsPage, ToComeRow, quantity_field,
};
pub use reviews::{ReviewRow, ReviewsPage};
pub use sign_in::{AddressPage, LinkPage, MailedPage, PasswordPage};

use crate::format::Style;

/// The style sheet, embedded in each page.
pub const STYLE_SHEET: &str = include_str!("../../templates/style.css");

/// The `Content-Security-Policy` that the pages are written for: nothing from elsewhere, no script, only
/// this very style sheet, forms only to us.
pub fn content_security_policy() -> String {
    content_security_policy_with_forms_to("")
}

/// As [`content_security_policy`], for a page whose forms lead on to `elsewhere`, too: browsers hold the addresses that a
/// form is redirected to against it.
pub fn content_security_policy_with_forms_to(elsewhere: &str) -> String {
    let forms = if elsewhere.is_empty() { String::new() } else { format!(" {elsewhere}") };
    let hash = data_encoding::BASE64.encode(&Hash::of(STYLE_SHEET.as_bytes()).0);
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'{forms}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

/// What every page of an org shows around its content.
#[derive(Clone, Debug)]
pub struct Site {
    /// Where the console lies below its host: empty, or a path such as `/stage` without a slash at the end.
    pub root: String,
    /// The org's name.
    pub org: String,
    /// ISO code of the org's base currency.
    pub currency: String,
    /// Now, in the org's time zone.
    pub now: Zoned,
    /// What parstock may do in Xero.
    pub phase: Phase,
    /// Who is signed in.
    pub user: String,
    /// The token that each form sends back as the field `csrf`.
    pub csrf: String,
    /// Open proposals, shown in the navigation.
    pub open_proposals: usize,
    /// Questions that wait, shown in the navigation.
    pub open_reviews: usize,
    /// Whether this console connects organisations, too.
    pub connects: bool,
}

impl Site {
    fn style(&self) -> Style {
        Style::new(&self.currency, self.now.clone())
    }

    fn observes(&self) -> bool {
        self.phase == Phase::Observe
    }
}

/// How far a document is booked: `booking 80 of 500 lines`.
pub fn booking_words(booked: u32, lines: u32) -> String {
    let booked = crate::format::grouped(u64::from(booked));
    format!("booking {booked} of {}", crate::format::counted(lines, "line", "lines"))
}

/// The page of the navigation that is marked as the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tab {
    Positions,
    Proposals,
    Digest,
    Health,
    Reviews,
}

/// `text` as the value of a query parameter.
pub fn query_value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
