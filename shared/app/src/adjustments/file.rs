//! Adjustments as a CSV file: one row for each change of an item's stock.

use jiff::civil::Date;
use parstock_domain::adjustment::ReasonCode;
use parstock_domain::fixed::{Money, Quantity};

use crate::table::{self, Wrong};

/// The columns of the file.
pub const COLUMNS: [&str; 7] = ["item", "location", "on", "quantity", "reason", "unit_cost", "note"];
/// Rows of one file: what one commit can decide.
pub const ROWS_MAX: usize = 1_000;

/// A change of an item's stock that a person asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Line in the file, from 1.
    pub line: u64,
    /// The item's code.
    pub code: String,
    /// The day on which it takes effect.
    pub on: Date,
    /// Above zero what comes in, below zero what goes out.
    pub quantity: Quantity,
    /// Why.
    pub reason: ReasonCode,
    /// What one unit that comes in is worth; what the stock is worth if it is left out.
    pub unit_cost: Option<Money>,
    /// More words.
    pub note: String,
}

/// Reads the file; all that is wrong with its words is reported at once.
///
/// # Errors
/// Every error with its line.
pub fn parse(text: &str) -> Result<Vec<Asked>, Vec<Wrong>> {
    let asked = table::read(text, &COLUMNS, ROWS_MAX, row)?;
    if asked.is_empty() {
        return Err(vec![Wrong { line: 1, what: "there is no row below the first line".to_owned() }]);
    }
    Ok(asked)
}

fn row(line: u64, record: &csv::StringRecord) -> Result<Asked, String> {
    let field = |index: usize| record.get(index).unwrap_or_default();
    let code = field(0);
    if code.is_empty() {
        return Err("the item's code is missing".to_owned());
    }
    table::main_location(field(1))?;
    let on = field(2).parse().map_err(|_| format!("`{}` is not a day such as 2026-11-22", field(2)))?;
    let quantity: Quantity = field(3).parse().map_err(|error| format!("quantity: {error}"))?;
    let reason = reason(field(4))?;
    let unit_cost: Option<Money> = match field(5) {
        "" => None,
        text => Some(text.parse().map_err(|error| format!("unit_cost: {error}"))?),
    };
    let note = field(6).to_owned();
    Ok(Asked { line, code: code.to_owned(), on, quantity, reason, unit_cost, note })
}

/// The reason with a word.
///
/// # Errors
/// Says which words there are.
pub(crate) fn reason(word: &str) -> Result<ReasonCode, String> {
    ReasonCode::from_code(word).ok_or_else(|| {
        let known = ReasonCode::ALL.map(ReasonCode::code).join(", ");
        format!("`{word}` is not a reason: write one of {known}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_or_every_line_that_is_wrong_is_named() {
        let head = "item,location,on,quantity,reason,unit_cost,note\n";
        let text = format!(
            "{head}BOX,,2026-06-01,-2,damaged,,\"fell, broke\"\nBAG,main,2026-06-02,0.5,found,1.25,\n"
        );
        let asked = parse(&text).unwrap();
        assert_eq!((asked.len(), asked[0].line, asked[1].line), (2, 2, 3));
        assert_eq!((asked[0].reason, asked[0].note.as_str()), (ReasonCode::Damaged, "fell, broke"));
        assert_eq!(asked[1].unit_cost, Some("1.25".parse().unwrap()));
        let text = format!(
            "{head},,2026-06-01,1,found,,\nA,far,2026-06-01,1,found,,\nA,,soon,1,found,,\nA,,2026-06-01,,found,,\nA,,2026-06-01,1,eaten,,\nA,,2026-06-01,1,found,x,\nA,,2026-06-01\n"
        );
        let wrong = parse(&text).unwrap_err();
        assert_eq!(wrong.iter().map(|wrong| wrong.line).collect::<Vec<_>>(), [2, 3, 4, 5, 6, 7, 8]);
        assert!(wrong[4].what.contains("damaged, expired, lost"), "{}", wrong[4].what);
        assert!(parse("item,quantity\n").unwrap_err()[0].what.contains("item,location,on"));
        assert!(parse(head).unwrap_err()[0].what.contains("no row"));
    }
}
