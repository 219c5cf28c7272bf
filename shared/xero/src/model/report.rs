//! Reports, which Xero gives as rows of texts, as rows of accounts and amounts.

use serde::Deserialize;
use uuid::Uuid;

use super::list_or_null;
use crate::{decimal::Decimal, error::Error};

/// A balance sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceSheet {
    /// What Xero writes above it: its name, the organisation and the day.
    pub titles: Vec<String>,
    /// Its accounts; sums are left out.
    pub rows: Vec<BalanceRow>,
}

/// An account of a balance sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BalanceRow {
    /// The section it stands in, such as `Current Assets`.
    pub section: String,
    /// The account; none on what Xero works out, such as the earnings of the current year.
    pub account_id: Option<Uuid>,
    /// Its name.
    pub name: String,
    /// What is on it in the base currency at the day asked for.
    pub amount: Decimal,
}

/// A trial balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialBalance {
    /// What Xero writes above it: its name, the organisation and the day.
    pub titles: Vec<String>,
    /// Its accounts; sums are left out.
    pub rows: Vec<TrialRow>,
}

/// An account of a trial balance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialRow {
    /// The section it stands in, such as `Assets`.
    pub section: String,
    /// The account.
    pub account_id: Option<Uuid>,
    /// Its name with its code as Xero writes them: `Sales (400)`.
    pub name: String,
    /// Debits of the month so far.
    pub debit: Decimal,
    /// Credits of the month so far.
    pub credit: Decimal,
    /// Debits of the financial year so far.
    pub year_debit: Decimal,
    /// Credits of the financial year so far.
    pub year_credit: Decimal,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Report {
    #[serde(default, deserialize_with = "list_or_null")]
    report_titles: Vec<String>,
    #[serde(default, deserialize_with = "list_or_null")]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Row {
    row_type: Option<String>,
    title: Option<String>,
    #[serde(default, deserialize_with = "list_or_null")]
    cells: Vec<Cell>,
    #[serde(default, deserialize_with = "list_or_null")]
    rows: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Cell {
    value: Option<String>,
    #[serde(default, deserialize_with = "list_or_null")]
    attributes: Vec<Attribute>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attribute {
    id: Option<String>,
    value: Option<String>,
}

impl Cell {
    fn text(&self) -> &str {
        self.value.as_deref().unwrap_or_default().trim()
    }

    fn account(&self) -> Option<Uuid> {
        let attribute =
            self.attributes.iter().find(|attribute| attribute.id.as_deref() == Some("account"))?;
        attribute.value.as_deref()?.parse().ok()
    }
}

/// The columns of amounts, by what stands above them.
struct Columns<'a>(&'a [Cell]);

impl Columns<'_> {
    fn at(&self, name: &str, resource: &'static str) -> Result<usize, Error> {
        let place = self.0.iter().position(|cell| cell.text().eq_ignore_ascii_case(name));
        place.ok_or_else(|| Error::BadAnswer { resource, why: format!("it has no column {name}") })
    }
}

/// The amount in a column; an empty cell is nothing.
fn amount(row: &Row, column: usize, resource: &'static str) -> Result<Decimal, Error> {
    let text = row.cells.get(column).map(Cell::text).unwrap_or_default();
    if text.is_empty() {
        return Ok(Decimal::from(0));
    }
    let bad = || Error::BadAnswer { resource, why: "an amount is not a number".to_owned() };
    text.parse().map_err(|_| bad())
}

impl Report {
    /// The cells above the columns.
    fn header(&self, resource: &'static str) -> Result<Columns<'_>, Error> {
        let header = self.rows.iter().find(|row| row.row_type.as_deref() == Some("Header"));
        let header =
            header.ok_or_else(|| Error::BadAnswer { resource, why: "it has no header".to_owned() })?;
        Ok(Columns(&header.cells))
    }

    /// Each row of an account with the title of its section.
    fn accounts(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.rows.iter().flat_map(|section| {
            let title = section.title.as_deref().unwrap_or_default();
            let rows = section.rows.iter().filter(|row| row.row_type.as_deref() == Some("Row"));
            rows.map(move |row| (title, row))
        })
    }

    pub(crate) fn into_balance_sheet(self) -> Result<BalanceSheet, Error> {
        const RESOURCE: &str = "Reports/BalanceSheet";
        // The first column is the day that was asked for; those behind it are earlier days for comparison.
        const AMOUNT: usize = 1;
        if self.header(RESOURCE)?.0.len() <= AMOUNT {
            return Err(Error::BadAnswer {
                resource: RESOURCE,
                why: "it has no column of amounts".to_owned(),
            });
        }
        let rows = self.accounts().map(|(section, row)| {
            Ok(BalanceRow {
                section: section.to_owned(),
                account_id: row.cells.first().and_then(Cell::account),
                name: row.cells.first().map(Cell::text).unwrap_or_default().to_owned(),
                amount: amount(row, AMOUNT, RESOURCE)?,
            })
        });
        let rows = rows.collect::<Result<_, Error>>()?;
        Ok(BalanceSheet { rows, titles: self.report_titles })
    }

    pub(crate) fn into_trial_balance(self) -> Result<TrialBalance, Error> {
        const RESOURCE: &str = "Reports/TrialBalance";
        let columns = self.header(RESOURCE)?;
        let debit = columns.at("Debit", RESOURCE)?;
        let credit = columns.at("Credit", RESOURCE)?;
        let year_debit = columns.at("YTD Debit", RESOURCE)?;
        let year_credit = columns.at("YTD Credit", RESOURCE)?;
        let rows = self.accounts().map(|(section, row)| {
            Ok(TrialRow {
                section: section.to_owned(),
                account_id: row.cells.first().and_then(Cell::account),
                name: row.cells.first().map(Cell::text).unwrap_or_default().to_owned(),
                debit: amount(row, debit, RESOURCE)?,
                credit: amount(row, credit, RESOURCE)?,
                year_debit: amount(row, year_debit, RESOURCE)?,
                year_credit: amount(row, year_credit, RESOURCE)?,
            })
        });
        let rows = rows.collect::<Result<_, Error>>()?;
        Ok(TrialBalance { rows, titles: self.report_titles })
    }
}
