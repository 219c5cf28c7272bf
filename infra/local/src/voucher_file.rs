//! A landed cost voucher as text, by the names that people use: what is spread over what. `docs/landed-cost.md` describes the form.

use jiff::civil::Date;
use parstock_app::landed::{NamedCharge, NamedReceipt, NamedRequest};
use parstock_domain::landed::Basis;
use serde::Deserialize;

use crate::scenario::file::{Number, optional_day};

/// A voucher that a person asks for.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherFile {
    /// By what it is spread.
    pub by: Basis,
    /// The day on which it takes effect.
    #[serde(default, deserialize_with = "optional_day")]
    pub on: Option<Date>,
    /// What is spread.
    pub charge: Vec<ChargeEntry>,
    /// Over what.
    pub receipt: Vec<ReceiptEntry>,
}

/// Lines of a bill that name no item.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChargeEntry {
    /// The bill's number.
    pub bill: String,
    /// A part of the line's description.
    pub line: Option<String>,
    /// How much of it.
    pub amount: Option<Number>,
}

/// Goods that a bill brought in.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptEntry {
    /// The bill's number.
    pub bill: String,
    /// The item's code.
    pub item: Option<String>,
    /// What one unit weighs.
    pub weight: Option<Number>,
    /// How much it takes.
    pub amount: Option<Number>,
}

impl VoucherFile {
    /// Reads one.
    ///
    /// # Errors
    /// Says what is wrong and where.
    pub fn read(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// What it asks for.
    ///
    /// # Errors
    /// Says which number is none.
    pub fn request(&self) -> Result<NamedRequest, String> {
        let charges = self.charge.iter().map(|charge| {
            Ok(NamedCharge {
                bill: charge.bill.clone(),
                line: charge.line.clone(),
                amount: charge.amount.as_ref().map(Number::money).transpose()?,
            })
        });
        let receipts = self.receipt.iter().map(|receipt| {
            Ok(NamedReceipt {
                bill: receipt.bill.clone(),
                item: receipt.item.clone(),
                weight: receipt.weight.as_ref().map(Number::quantity).transpose()?,
                amount: receipt.amount.as_ref().map(Number::money).transpose()?,
            })
        });
        Ok(NamedRequest {
            basis: self.by,
            on: self.on,
            charges: charges.collect::<Result<_, String>>()?,
            receipts: receipts.collect::<Result<_, String>>()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_unknown_keys_are_refused() {
        let text = "by = 'weight'\n[[charge]]\nbill = 'F-1'\namount = '60.50'\n[[receipt]]\nbill = 'G-1'\nweight = '0.25'\n";
        let request = VoucherFile::read(text).unwrap().request().unwrap();
        assert_eq!(request.charges[0].amount, Some("60.50".parse().unwrap()));
        assert_eq!(request.receipts[0].weight, Some("0.25".parse().unwrap()));
        for (more, says) in [("tax = 1", "unknown field"), ("amount = 1.5", "a decimal as text")] {
            let told = VoucherFile::read(&format!("{text}{more}")).unwrap_err();
            assert!(told.contains(says), "{told}");
        }
        assert!(
            VoucherFile::read("by = 'height'\ncharge = []\nreceipt = []").unwrap_err().contains("weight")
        );
    }
}
