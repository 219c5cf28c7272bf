//! What the demo company sells, buys and is: items, suppliers, customers, accounts.

use jiff::ToSpan;
use jiff::civil::Date;

use super::cases;
use crate::act::{Account, Act, Contact, E4, Item, Organisation, TaxRate, Tracking, div_half_up};

/// Name of the company.
pub const COMPANY: &str = "Harbour & Pine Homewares";
/// Its time zone in Xero's enumeration; it has daylight saving time.
pub const XERO_TIME_ZONE: &str = "AUSEASTERNSTANDARDTIME";
/// The same in the IANA database.
pub(super) const TIME_ZONE: &str = "Australia/Sydney";
/// Tax type of sales.
pub(super) const TAX_ON_SALES: &str = "OUTPUT";
/// Tax type of purchases.
pub(super) const TAX_ON_PURCHASES: &str = "INPUT";
/// Accounts that documents name.
pub(super) const FREIGHT_OUT: &str = "260";
pub(super) const FREIGHT_IN: &str = "425";
/// The account over which stock is adjusted.
pub const ADJUSTMENTS: &str = "401";
pub(super) const RENT: &str = "469";
pub(super) const POWER: &str = "445";
/// Account of cost of goods sold.
pub const COST_OF_GOODS: &str = "310";
const TRACKED_STOCK: &str = "630";
/// Account of stock that Xero does not track.
pub const UNTRACKED_STOCK: &str = "631";

/// Contact of walk-in customers.
pub(super) const COUNTER: &str = "Counter sales";
/// Contact of adjustments made in Xero.
pub(super) const INVENTORY_ADJUSTMENTS: &str = "Inventory Adjustments";
/// Contacts of bills without items.
pub(super) const LANDLORD: &str = "Wharf Street Property";
pub(super) const ELECTRICITY: &str = "Southern Current Energy";

/// Names of the five categories; each has its own sales account.
pub const CATEGORIES: [&str; 5] = ["Kitchen", "Candles", "Textiles", "Garden", "Gifts"];

/// Businesses that buy on account.
pub(super) const CUSTOMERS: [&str; 14] = [
    "Bellbird Guesthouse",
    "Cape Light Cafe",
    "Coral Lane Interiors",
    "Dune & Fig",
    "Ferry Road Hotel",
    "Gumnut Gift Barn",
    "Headland Homestay",
    "Kelp & Co",
    "Lantern Bay Weddings",
    "Millpond Nursery",
    "Ochre House Hire",
    "Old Customs House Museum Shop",
    "Saltwater Property Styling",
    "Wattle Tree Florist",
];

/// A supplier, as the owner knows it. The first two fields are also in Xero, the others are not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SupplierFacts {
    /// Name of the contact.
    pub name: &'static str,
    /// Where orders go.
    pub email: &'static str,
    /// From order to delivery, in days.
    pub lead_days: i64,
    /// The owner looks at this supplier's items every so many days.
    pub(super) review_days: i64,
    /// What the supplier's own bill numbers begin with.
    pub(super) bill_prefix: &'static str,
}

/// The four suppliers, by lead time.
pub const SUPPLIERS: [SupplierFacts; 4] = [
    SupplierFacts {
        name: "Saltbush Candle Works",
        email: "orders@saltbush.example",
        lead_days: 5,
        review_days: 8,
        bill_prefix: "SCW",
    },
    SupplierFacts {
        name: "Tidewater Kitchen Supply",
        email: "sales@tidewater.example",
        lead_days: 12,
        review_days: 9,
        bill_prefix: "TW",
    },
    SupplierFacts {
        name: "Northern Range Garden Imports",
        email: "trade@northernrange.example",
        lead_days: 21,
        review_days: 14,
        bill_prefix: "NR",
    },
    SupplierFacts {
        name: "Indigo Loom Textiles",
        email: "export@indigoloom.example",
        lead_days: 45,
        review_days: 28,
        bill_prefix: "IL",
    },
];

/// How the demand of an item runs through the year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pattern {
    Steady,
    Summer,
    Winter,
    Gifts,
    Growing,
    Fading,
    /// Stops [`cases::DEAD_SINCE_DAYS`] before the first trading day.
    Dead,
}

/// Share of the usual demand by month, in per mille; the seasons are those of the south.
const SUMMER: [i64; 12] = [1700, 1500, 1200, 900, 700, 550, 550, 650, 900, 1100, 1350, 1650];
const WINTER: [i64; 12] = [550, 600, 800, 1100, 1400, 1650, 1700, 1500, 1100, 800, 650, 550];
const GIFTS: [i64; 12] = [650, 700, 800, 900, 1200, 800, 750, 850, 900, 1100, 1700, 2200];

/// An item, as the owner knows it. Pack and minimum are not in Xero.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ItemFacts {
    /// Its code.
    pub code: &'static str,
    /// Its name.
    pub name: &'static str,
    /// One of [`CATEGORIES`], by place.
    pub category: usize,
    /// One of [`SUPPLIERS`], by place.
    pub supplier: usize,
    /// Whether Xero keeps its quantity.
    pub tracked: bool,
    /// Bought in multiples of this, in units.
    pub pack: i64,
    /// Least order of it, in units.
    pub minimum_order: i64,
    /// Cost of one before the price rise.
    pub cost: E4,
    /// Sales price of one, without tax.
    pub price: E4,
    /// Per mille of days on which it sells.
    pub(super) often: i64,
    /// Usual size of a sale, in units.
    pub(super) size: i64,
    pub(super) pattern: Pattern,
}

impl ItemFacts {
    /// How many its supplier's papers count as one.
    pub fn per_paper_unit(&self) -> i64 {
        if self.code == cases::BY_THE_CARTON { self.pack } else { 1 }
    }

    /// The usual demand of a day, in thousandths of a unit.
    pub(super) const fn usual_per_day(&self) -> i64 {
        self.often * self.size
    }

    /// Share of the usual demand on `day`, in per mille.
    pub(super) fn season(&self, day: Date, first_day: Date, first_trading_day: Date) -> i64 {
        let month = |table: &[i64; 12]| {
            let place = usize::from(day.month().unsigned_abs()).saturating_sub(1);
            table.get(place).copied().unwrap_or(1_000)
        };
        let age = days_between(first_day, day).clamp(0, 600);
        match self.pattern {
            Pattern::Steady => 1_000,
            Pattern::Summer => month(&SUMMER),
            Pattern::Winter => month(&WINTER),
            Pattern::Gifts => month(&GIFTS),
            Pattern::Growing => 600 + age * 3 / 2,
            Pattern::Fading => 1_300 - age,
            Pattern::Dead if days_between(day, first_trading_day) < cases::DEAD_SINCE_DAYS => 0,
            Pattern::Dead => 1_000,
        }
    }

    /// What the supplier asks on `day`.
    pub(super) fn cost_on(&self, day: Date, price_rise: Date) -> E4 {
        if self.supplier == cases::PRICE_RISE_SUPPLIER && day >= price_rise {
            let raised = i128::from(self.cost.0) * (100 + cases::PRICE_RISE_PERCENT) / 100;
            return E4(div_half_up(raised, 1)).round2();
        }
        self.cost
    }
}

/// Whole days from one to another, below zero if `to` is earlier.
pub(super) fn days_between(from: Date, to: Date) -> i64 {
    from.until(to).map_or(0, |span| i64::from(span.get_days()))
}

/// `day` plus whole days, which may be below zero.
pub(super) fn plus_days(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// Everything of an item but where it belongs, to keep the table below readable.
struct Row(&'static str, &'static str, bool, i64, i64, Pattern, i64, i64, i64, i64);

const fn items_of<const N: usize>(
    category: usize,
    supplier: usize,
    rows: [Row; N],
) -> ([Row; N], usize, usize) {
    (rows, category, supplier)
}

/// The sixty items.
pub(super) fn items() -> Vec<ItemFacts> {
    use Pattern::{Dead, Fading, Gifts, Growing, Steady, Summer, Winter};
    // code, name, tracked, often, size, pattern, cost and price in cents, pack, minimum
    let kitchen = items_of(
        0,
        1,
        [
            Row("P-1001", "Stoneware mug, oat", true, 420, 5, Winter, 520, 1290, 12, 24),
            Row("P-1002", "Olive wood board, large", true, 260, 2, Gifts, 1850, 4200, 6, 6),
            Row("P-1003", "Enamel bowl, white 18 cm", true, 350, 6, Steady, 480, 1150, 12, 24),
            Row("P-1004", "French press, 8 cup", true, 210, 2, Winter, 1690, 3950, 6, 6),
            Row("P-1005", "Linen tea towel, indigo", false, 380, 4, Steady, 430, 1190, 12, 24),
            Row("P-1006", "Measuring cups, copper", false, 240, 2, Growing, 1120, 2790, 6, 12),
            Row("P-1007", "Glass storage jar, 1 l", false, 390, 5, Steady, 390, 990, 12, 24),
            Row("P-1008", "Salad servers, acacia", false, 220, 2, Summer, 640, 1690, 6, 12),
            Row("P-1009", "Teapot, cast iron", false, 160, 1, Winter, 2150, 5490, 4, 4),
            Row("P-1010", "Water carafe, 1.2 l", false, 310, 3, Summer, 690, 1790, 6, 12),
            Row("P-1011", "Pie dish, speckled", false, 230, 2, Winter, 810, 1990, 6, 6),
            Row("P-1012", "Butter dish, ash lid", false, 200, 2, Fading, 760, 1890, 6, 6),
        ],
    );
    let candles = items_of(
        1,
        0,
        [
            Row("P-1013", "Soy candle, sea salt", true, 470, 6, Winter, 610, 1690, 12, 24),
            Row("P-1014", "Soy candle, lemon myrtle", true, 440, 5, Steady, 610, 1690, 12, 24),
            Row("P-1015", "Reed diffuser, cedar", true, 300, 3, Gifts, 940, 2490, 6, 12),
            Row("P-1016", "Pillar candle, ivory 15 cm", true, 330, 4, Winter, 350, 950, 12, 24),
            Row("P-1017", "Taper candles, pair", false, 360, 6, Winter, 220, 690, 24, 24),
            Row("P-1018", "Tea lights, box of 50", false, 340, 4, Steady, 410, 990, 10, 20),
            Row("P-1019", "Room spray, eucalyptus", false, 260, 3, Summer, 570, 1490, 12, 12),
            Row("P-1020", "Candle snuffer, brass", false, 220, 2, Steady, 480, 1390, 6, 12),
            Row("P-1021", "Incense sticks, sandalwood", false, 300, 4, Fading, 150, 490, 20, 40),
            Row("P-1022", "Wax melts, fig", false, 320, 4, Growing, 280, 790, 12, 24),
            Row("P-1023", "Oil burner, ceramic", false, 170, 2, Winter, 720, 1790, 6, 6),
            Row("P-1024", "Matches, long, jar", false, 250, 3, Winter, 260, 790, 12, 24),
        ],
    );
    let textiles = items_of(
        2,
        3,
        [
            Row("P-1025", "Cushion cover, indigo 50 cm", true, 300, 3, Steady, 980, 2690, 10, 20),
            Row("P-1026", "Throw, waffle cotton", true, 240, 2, Winter, 2480, 6490, 5, 10),
            Row("P-1027", "Table runner, block print", true, 260, 2, Gifts, 860, 2290, 10, 20),
            Row("P-1028", "Bath towel, sand", true, 330, 4, Steady, 1150, 2990, 10, 20),
            Row("P-1029", "Hand towel, sand", false, 310, 4, Steady, 620, 1590, 10, 20),
            Row("P-1030", "Napkins, set of 4", false, 270, 3, Gifts, 740, 1990, 10, 20),
            Row("P-1031", "Apron, striped", false, 210, 2, Steady, 890, 2390, 10, 10),
            Row("P-1032", "Oven mitt, quilted", false, 200, 2, Winter, 520, 1490, 12, 12),
            Row("P-1033", "Beach towel, striped", false, 260, 3, Summer, 1280, 3490, 10, 20),
            Row("P-1034", "Bedspread, kantha queen", false, 90, 1, Winter, 4900, 12900, 2, 4),
            Row("P-1035", "Door mat, coir", false, 220, 2, Steady, 840, 2190, 10, 10),
            Row("P-1036", "Tote bag, canvas", false, 320, 4, Summer, 450, 1290, 20, 40),
        ],
    );
    let garden = items_of(
        3,
        2,
        [
            Row("P-1037", "Terracotta pot, 20 cm", true, 380, 5, Summer, 430, 1190, 12, 24),
            Row("P-1038", "Bird bath, concrete", true, 110, 1, Summer, 3200, 7900, 2, 2),
            Row("P-1039", "Watering can, galvanised", true, 240, 2, Summer, 1480, 3690, 6, 6),
            Row("P-1040", "Hanging planter, jute", true, 290, 3, Growing, 540, 1490, 12, 12),
            Row("P-1041", "Secateurs, ash handle", false, 190, 2, Summer, 1320, 3290, 6, 6),
            Row("P-1042", "Seed tin, herbs", false, 280, 3, Summer, 310, 890, 12, 24),
            Row("P-1043", "Garden twine, 100 m", false, 260, 3, Steady, 190, 590, 24, 24),
            Row("P-1044", "Solar lantern, first model", false, 240, 3, Dead, 1150, 2890, 6, 12),
            Row("P-1045", "Wind chime, bamboo", false, 180, 2, Gifts, 790, 2090, 6, 12),
            Row("P-1046", "Fire pit, steel 70 cm", false, 14, 2, Winter, 8900, 19900, 1, 2),
            Row("P-1047", "Garden bench, teak", false, 10, 1, Summer, 16500, 36900, 1, 1),
            Row("P-1048", "Plant labels, slate", false, 210, 4, Steady, 120, 450, 20, 40),
        ],
    );
    let gifts = items_of(
        4,
        1,
        [
            Row("P-1049", "Greeting card, banksia", true, 430, 8, Gifts, 120, 450, 50, 100),
            Row("P-1050", "Gift wrap, linen print", true, 330, 6, Gifts, 150, 590, 50, 50),
            Row("P-1051", "Notebook, stitched A5", true, 290, 3, Steady, 480, 1390, 10, 20),
            Row("P-1052", "Ceramic ring dish", true, 250, 2, Gifts, 390, 1190, 12, 12),
            Row("P-1053", "Enamel pin, pelican", false, 280, 4, Growing, 180, 890, 25, 50),
            Row("P-1054", "Jigsaw, 1000 pieces", false, 200, 2, Winter, 1290, 3290, 6, 6),
            Row("P-1055", "Playing cards, botanical", false, 230, 3, Steady, 420, 1290, 12, 12),
            Row("P-1056", "Tea tin, smoky", false, 240, 3, Winter, 560, 1590, 12, 12),
            Row("P-1057", "Hand cream, rosella", false, 300, 4, Winter, 640, 1790, 12, 24),
            Row("P-1058", "Hamper basket, willow", false, 18, 6, Steady, 1450, 3490, 6, 6),
            Row("P-1059", "Postcards, set of 10", false, 260, 4, Summer, 210, 790, 20, 40),
            Row("P-1060", "Ribbon, cotton 10 m", false, 220, 4, Gifts, 140, 490, 20, 40),
        ],
    );
    [kitchen, candles, textiles, garden, gifts]
        .into_iter()
        .flat_map(|(rows, category, supplier)| {
            rows.map(|Row(code, name, tracked, often, size, pattern, cost, price, pack, minimum_order)| {
                ItemFacts {
                    code,
                    name,
                    category,
                    supplier,
                    tracked,
                    pack,
                    minimum_order,
                    cost: E4::cents(cost),
                    price: E4::cents(price),
                    often,
                    size,
                    pattern,
                }
            })
        })
        .collect()
}

/// Code of a category's sales account.
fn sales_account(category: usize) -> String {
    format!("20{}", category.saturating_add(1))
}

/// The item as Xero holds it on `day`.
pub(super) fn item_act(facts: &ItemFacts, cost: E4) -> Act {
    Act::UpsertItem(Item {
        code: facts.code.to_owned(),
        name: facts.name.to_owned(),
        description: facts.name.to_owned(),
        tracking: if facts.tracked {
            Tracking::Tracked {
                asset_account: TRACKED_STOCK.to_owned(),
                cogs_account: COST_OF_GOODS.to_owned(),
            }
        } else {
            Tracking::Untracked { purchase_account: UNTRACKED_STOCK.to_owned() }
        },
        purchase_price: cost.times(E4::whole(facts.per_paper_unit())),
        sales_price: facts.price,
        sales_account: sales_account(facts.category),
    })
}

/// Organisation, accounts, contacts and items: what stands before the first document.
pub(super) fn setup(items: &[ItemFacts]) -> Vec<Act> {
    let organisation = Act::SetUpOrganisation(Organisation {
        name: COMPANY.to_owned(),
        time_zone: XERO_TIME_ZONE.to_owned(),
        base_currency: "AUD".to_owned(),
        country: "AU".to_owned(),
        period_lock_date: None,
        end_of_year_lock_date: None,
        tax_rates: vec![
            TaxRate { tax_type: TAX_ON_SALES.to_owned(), percent: E4::whole(10) },
            TaxRate { tax_type: TAX_ON_PURCHASES.to_owned(), percent: E4::whole(10) },
        ],
    });
    let account = |code: &str, name: &str, account_type: &str, system: Option<&str>| {
        Act::UpsertAccount(Account {
            code: code.to_owned(),
            name: name.to_owned(),
            account_type: account_type.to_owned(),
            system_account: system.map(str::to_owned),
        })
    };
    let contact = |name: &str, email: Option<&str>, is_supplier: bool| {
        Act::UpsertContact(Contact {
            name: name.to_owned(),
            contact_number: None,
            email: email.map(str::to_owned),
            is_supplier,
            is_customer: !is_supplier,
        })
    };
    let mut acts = vec![
        organisation,
        account("090", "Trading account", "BANK", None),
        account(FREIGHT_OUT, "Freight recovered", "REVENUE", None),
        account(COST_OF_GOODS, "Cost of goods sold", "DIRECTCOSTS", None),
        account(ADJUSTMENTS, "Stock adjustments", "DIRECTCOSTS", None),
        account(FREIGHT_IN, "Freight inwards", "DIRECTCOSTS", None),
        account(POWER, "Light, power, heating", "EXPENSE", None),
        account(RENT, "Rent", "EXPENSE", None),
        account("610", "Accounts receivable", "CURRENT", Some("DEBTORS")),
        account(TRACKED_STOCK, "Inventory", "INVENTORY", None),
        account(UNTRACKED_STOCK, "Stock not tracked in Xero", "CURRENT", None),
        account("800", "Accounts payable", "CURRLIAB", Some("CREDITORS")),
        account("820", "GST", "CURRLIAB", Some("GST")),
        account("860", "Rounding", "CURRLIAB", Some("ROUNDING")),
    ];
    for (category, name) in CATEGORIES.iter().enumerate() {
        acts.push(account(
            &sales_account(category),
            &format!("Sales, {}", name.to_lowercase()),
            "SALES",
            None,
        ));
    }
    acts.extend(SUPPLIERS.iter().map(|supplier| contact(supplier.name, Some(supplier.email), true)));
    acts.extend([INVENTORY_ADJUSTMENTS, LANDLORD, ELECTRICITY].map(|name| contact(name, None, true)));
    acts.extend(CUSTOMERS.iter().chain([&COUNTER]).map(|name| contact(name, None, false)));
    acts.extend(items.iter().map(|facts| item_act(facts, facts.cost)));
    acts
}
