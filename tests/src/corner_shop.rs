//! The books of a corner shop in the simulated Xero: one tracked and one untracked item, and a supplier who also buys.

use jiff::civil::Date;
use parstock_xero_sim::act::{
    Account, Act, Contact, DocumentKind, E4, Item, Line, LineAmountTypes, NewDocument, Organisation, Status,
    Tracking,
};

/// The tracked item.
pub const TRACKED: &str = "TEA";
/// The untracked item.
pub const UNTRACKED: &str = "BAG";
/// The one contact.
const CONTACT: &str = "Mill & Sons";
const SALES: &str = "200";
const COST_OF_SALES: &str = "310";
const STOCK: &str = "630";
/// What the first bill brings.
const TRACKED_AT_FIRST: i64 = 100;

/// The shop without a document.
pub fn set_up(name: &str) -> Vec<Act> {
    let account = |code: &str, account_type: &str| {
        Act::UpsertAccount(Account {
            code: code.to_owned(),
            name: account_type.to_owned(),
            account_type: account_type.to_owned(),
            system_account: None,
        })
    };
    let item = |code: &str, tracking| {
        Act::UpsertItem(Item {
            code: code.to_owned(),
            name: code.to_owned(),
            description: String::new(),
            tracking,
            purchase_price: E4::ONE,
            sales_price: E4::whole(2),
            sales_account: SALES.to_owned(),
        })
    };
    let (asset_account, cogs_account) = (STOCK.to_owned(), COST_OF_SALES.to_owned());
    vec![
        Act::SetUpOrganisation(Organisation {
            name: name.to_owned(),
            time_zone: "AUSEASTERNSTANDARDTIME".to_owned(),
            base_currency: "AUD".to_owned(),
            country: "AU".to_owned(),
            period_lock_date: None,
            end_of_year_lock_date: None,
            tax_rates: Vec::new(),
        }),
        account(SALES, "SALES"),
        account(COST_OF_SALES, "DIRECTCOSTS"),
        account(STOCK, "INVENTORY"),
        Act::UpsertContact(Contact {
            name: CONTACT.to_owned(),
            contact_number: None,
            email: None,
            is_supplier: true,
            is_customer: true,
        }),
        item(TRACKED, Tracking::Tracked { asset_account, cogs_account }),
        item(UNTRACKED, Tracking::Untracked { purchase_account: COST_OF_SALES.to_owned() }),
    ]
}

/// The bill with which the tracked item comes in: it can be sold only while there is some.
pub fn first_bill(date: Date) -> Act {
    document(DocumentKind::Bill, "B-1", TRACKED, E4::whole(TRACKED_AT_FIRST), date)
}

/// A document over one line of an item, at a price of one.
pub fn document(kind: DocumentKind, number: &str, item: &str, quantity: E4, date: Date) -> Act {
    Act::CreateDocument(NewDocument {
        kind,
        number: number.to_owned(),
        reference: String::new(),
        contact: CONTACT.to_owned(),
        date,
        due: None,
        expected_arrival: None,
        status: Status::Authorised,
        amounts: LineAmountTypes::NoTax,
        currency: None,
        lines: vec![Line {
            item_code: Some(item.to_owned()),
            quantity,
            unit_amount: E4::ONE,
            ..Line::default()
        }],
    })
}
