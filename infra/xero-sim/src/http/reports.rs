//! Reports: rows of texts, as Xero gives them.

use jiff::Timestamp;
use uuid::Uuid;

use crate::act::E4;
use crate::http::query::Query;
use crate::http::render::class_of;
use crate::http::reply::Reply;
use crate::json::Json;
use crate::state::ledger::Slot;
use crate::world::World;

/// An account with its balance.
struct Balance {
    id: Uuid,
    code: String,
    name: String,
    class: &'static str,
    is_bank: bool,
    /// Debits above zero.
    amount: E4,
}

impl World {
    /// Every account that has a balance.
    fn balances(&self) -> Vec<Balance> {
        let system = |name: &str, code: &str, word: &str, class: &'static str, amount: E4| {
            let known = self.books.accounts.iter().find(|row| {
                row.value.system_account.as_deref() == Some(word)
                    || (word == "BANK" && row.value.account_type == "BANK")
            });
            Balance {
                id: known.map_or_else(|| self.ids.id(&format!("account of {word}")), |row| row.id),
                code: known.map_or_else(|| code.to_owned(), |row| row.value.code.clone()),
                name: known.map_or_else(|| name.to_owned(), |row| row.value.name.clone()),
                class,
                is_bank: word == "BANK",
                amount,
            }
        };
        let balance = |(slot, amount): (Slot, E4)| {
            Some(match slot {
                Slot::Receivable => system("Accounts Receivable", "610", "DEBTORS", "ASSET", amount),
                Slot::Payable => system("Accounts Payable", "800", "CREDITORS", "LIABILITY", amount),
                Slot::Tax => system("GST", "820", "GST", "LIABILITY", amount),
                Slot::Bank => system("Bank", "090", "BANK", "ASSET", amount),
                Slot::Account(index) => {
                    let row = self.books.accounts.get(index as usize)?;
                    Balance {
                        id: row.id,
                        code: row.value.code.clone(),
                        name: row.value.name.clone(),
                        class: class_of(&row.value.account_type),
                        is_bank: row.value.account_type == "BANK",
                        amount,
                    }
                }
            })
        };
        self.books.balances().into_iter().filter_map(balance).collect()
    }

    /// The day of a report, which must not be past: only what the books hold now is known.
    fn report_day(&self, now: Timestamp, query: &Query) -> Result<jiff::civil::Date, Reply> {
        let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
        match query.day("date")? {
            Some(day) if day < today.yesterday().unwrap_or(today) => {
                Err(Reply::bad_query("Balances of past days are not simulated"))
            }
            Some(day) => Ok(day),
            None => Ok(today),
        }
    }

    fn report(
        &self,
        now: Timestamp,
        (kind, name): (&str, &str),
        day: jiff::civil::Date,
        fill: impl FnOnce(&mut Json),
    ) -> Reply {
        let organisation = self.books.organisation.as_ref().map_or("", |row| row.value.name.as_str());
        let as_at = format!("As at {}", day.strftime("%-d %B %Y"));
        self.envelope(now, "Reports", |all| {
            all.object(|report| {
                report.text("ReportID", kind);
                report.text("ReportName", name);
                report.text("ReportType", kind);
                report.texts("ReportTitles", &[name, organisation, &as_at]);
                report.text("ReportDate", &day.strftime("%-d %B %Y").to_string());
                report.instant("UpdatedDateUTC", now.as_millisecond());
                report.array("Fields", |_| {});
                report.array("Rows", fill);
            });
        })
    }

    pub(super) fn balance_sheet(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let day = self.report_day(now, query)?;
        let balances = self.balances();
        let earnings: E4 = balances
            .iter()
            .filter(|balance| matches!(balance.class, "REVENUE" | "EXPENSE"))
            .map(|balance| -balance.amount)
            .sum();
        Ok(self.report(now, ("BalanceSheet", "Balance Sheet"), day, |rows| {
            let last_year = day.strftime("%-d %b %Y").to_string();
            row(rows, "Header", None, &[String::new(), day.strftime("%d %b %Y").to_string(), last_year]);
            section(rows, "Assets", |_| {});
            let parts: [(&str, &str, bool); 4] = [
                ("Bank", "ASSET", true),
                ("Current Assets", "ASSET", false),
                ("Current Liabilities", "LIABILITY", false),
                ("Equity", "EQUITY", false),
            ];
            for (title, class, is_bank) in parts {
                let sign = |amount: E4| if class == "ASSET" { amount } else { -amount };
                section(rows, title, |rows| {
                    let mut sum = E4::ZERO;
                    let within = |one: &&Balance| one.class == class && one.is_bank == is_bank;
                    for one in balances.iter().filter(within) {
                        sum = sum + sign(one.amount);
                        let cells = [one.name.clone(), sign(one.amount).to_money(), "0.00".to_owned()];
                        row(rows, "Row", Some(one.id), &cells);
                    }
                    if class == "EQUITY" {
                        sum = sum + earnings;
                        let cells =
                            ["Current Year Earnings".to_owned(), earnings.to_money(), "0.00".to_owned()];
                        row(rows, "Row", None, &cells);
                    }
                    let cells = [format!("Total {title}"), sum.to_money(), "0.00".to_owned()];
                    row(rows, "SummaryRow", None, &cells);
                });
            }
        }))
    }

    pub(super) fn trial_balance(&self, now: Timestamp, query: &Query) -> Result<Reply, Reply> {
        let day = self.report_day(now, query)?;
        let balances = self.balances();
        Ok(self.report(now, ("TrialBalance", "Trial Balance"), day, |rows| {
            let header = ["Account", "Debit", "Credit", "YTD Debit", "YTD Credit"].map(str::to_owned);
            row(rows, "Header", None, &header);
            let (mut debits, mut credits) = (E4::ZERO, E4::ZERO);
            let parts = [
                ("Revenue", "REVENUE"),
                ("Expenses", "EXPENSE"),
                ("Assets", "ASSET"),
                ("Liabilities", "LIABILITY"),
                ("Equity", "EQUITY"),
            ];
            for (title, class) in parts {
                section(rows, title, |rows| {
                    for one in balances.iter().filter(|one| one.class == class) {
                        let (debit, credit) = if one.amount >= E4::ZERO {
                            debits = debits + one.amount;
                            (one.amount.to_money(), String::new())
                        } else {
                            credits = credits - one.amount;
                            (String::new(), (-one.amount).to_money())
                        };
                        let name = format!("{} ({})", one.name, one.code);
                        row(rows, "Row", Some(one.id), &[name, debit.clone(), credit.clone(), debit, credit]);
                    }
                });
            }
            section(rows, "", |rows| {
                let (debits, credits) = (debits.to_money(), credits.to_money());
                let cells = ["Total".to_owned(), debits.clone(), credits.clone(), debits, credits];
                row(rows, "SummaryRow", None, &cells);
            });
        }))
    }
}

fn section(rows: &mut Json, title: &str, fill: impl FnOnce(&mut Json)) {
    rows.object(|section| {
        section.text("RowType", "Section");
        section.text("Title", title);
        section.array("Rows", fill);
    });
}

/// A row of texts; each cell of an account names it.
fn row(rows: &mut Json, kind: &str, account: Option<Uuid>, cells: &[String]) {
    rows.object(|row| {
        row.text("RowType", kind);
        row.array("Cells", |all| {
            for text in cells {
                all.object(|cell| {
                    cell.text("Value", text);
                    if let Some(id) = account {
                        cell.array("Attributes", |attributes| {
                            attributes.object(|attribute| {
                                attribute.id("Value", id);
                                attribute.text("Id", "account");
                            });
                        });
                    }
                });
            }
        });
    });
}
