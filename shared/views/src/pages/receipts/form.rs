//! The form by which a person says what came in of an order.

use std::collections::BTreeMap;

use askama::Template;
use jiff::civil::Date;
use parstock_domain::audit::Hash;
use parstock_domain::fixed::Quantity;
use parstock_domain::goods_receipt::{OrderedLine, SLIP_CHARS_MAX, expected};
use parstock_domain::ids::{DocumentId, LineId};

use crate::format::Style;
use crate::pages::{STYLE_SHEET, Site, Tab};

/// The name of the field that says how much of an order's line came in.
pub fn quantity_field(line: LineId) -> String {
    format!("quantity-{line}")
}

/// What a person entered, as text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReceiptFields {
    /// By order line, how much came.
    pub quantities: BTreeMap<LineId, String>,
    /// The day.
    pub on: String,
    /// The number on the delivery note.
    pub slip: String,
    /// Whether the goods were billed before they came.
    pub billed: bool,
    /// Whether nothing more comes.
    pub ends: bool,
}

/// The page with the form. It sends `csrf`, `order`, `contents`, `on`, `slip`, `billed`, `ends` and a field for each line, see
/// [`quantity_field`].
#[derive(Clone, Debug)]
pub struct ReceiptFormPage {
    /// The frame.
    pub site: Site,
    /// The order.
    pub order: DocumentId,
    /// Its number.
    pub number: String,
    /// The supplier's name.
    pub supplier_name: String,
    /// The order's day.
    pub on: Date,
    /// Hash of what is shown.
    pub contents: Hash,
    /// The order's lines.
    pub lines: Vec<OrderedLine>,
    /// Percent of what was ordered beyond which a receipt waits.
    pub percent: u16,
    /// What a person entered before, if something was wrong with it.
    pub entered: Option<ReceiptFields>,
    /// What was wrong, and what to do.
    pub problem: Option<String>,
}

struct Row<'a> {
    line: &'a OrderedLine,
    field: String,
    value: String,
}

#[derive(Template)]
#[template(path = "receipt_form.html")]
struct Page<'a> {
    site: &'a Site,
    style: Style,
    tab: Tab,
    title: String,
    style_sheet: &'static str,
    page: &'a ReceiptFormPage,
    rows: Vec<Row<'a>>,
    today: Date,
    on: String,
    slip: &'a str,
    asks_billed: bool,
    billed: bool,
    ends: bool,
    slip_chars_max: usize,
}

impl ReceiptFormPage {
    /// The page.
    ///
    /// # Errors
    /// A template that can't be filled, a bug.
    pub fn render(&self) -> Result<String, askama::Error> {
        let style = self.site.style();
        let today = style.today();
        let entered = self.entered.as_ref();
        Page {
            site: &self.site,
            style,
            tab: Tab::Proposals,
            title: format!("What came in of {}", self.number),
            style_sheet: STYLE_SHEET,
            page: self,
            rows: expected(&self.lines, false).map(|(line, expected)| self.row(line, expected)).collect(),
            today,
            on: entered.map_or_else(|| today.to_string(), |entered| entered.on.clone()),
            slip: entered.map_or("", |entered| entered.slip.as_str()),
            asks_billed: self.lines.iter().any(|line| !line.unreceived.is_zero()),
            billed: entered.is_some_and(|entered| entered.billed),
            ends: entered.is_some_and(|entered| entered.ends),
            slip_chars_max: SLIP_CHARS_MAX,
        }
        .render()
    }

    fn row<'a>(&'a self, line: &'a OrderedLine, expected: Quantity) -> Row<'a> {
        let value = match &self.entered {
            Some(entered) => entered.quantities.get(&line.line).cloned().unwrap_or_default(),
            None if expected.is_zero() => String::new(),
            None => expected.to_string(),
        };
        Row { line, field: quantity_field(line.line), value }
    }
}
