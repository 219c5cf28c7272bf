//! Line amounts, tax and totals: rounded per line, half up, then summed.

use crate::act::{Currency, E4, LineAmountTypes, div_half_up};

/// 100 % in ten-thousandths of a percent.
const WHOLE_PERCENT: i128 = 1_000_000;

/// Quantity x price less discount, rounded once to two places.
pub(crate) fn line_amount(quantity: E4, unit_amount: E4, discount_percent: E4) -> E4 {
    let kept = WHOLE_PERCENT - i128::from(discount_percent.0);
    let exact = i128::from(quantity.0) * i128::from(unit_amount.0) * kept;
    // Ten-thousandths twice and WHOLE_PERCENT once are 14 places; 12 of them go.
    E4::cents(div_half_up(exact, 1_000_000_000_000))
}

/// Tax of one line, rounded to two places.
pub(crate) fn line_tax(amount: E4, percent: E4, amounts: LineAmountTypes) -> E4 {
    let share = i128::from(amount.0) * i128::from(percent.0);
    let whole = match amounts {
        LineAmountTypes::Exclusive => WHOLE_PERCENT,
        LineAmountTypes::Inclusive => WHOLE_PERCENT + i128::from(percent.0),
        LineAmountTypes::NoTax => return E4::ZERO,
    };
    E4::cents(div_half_up(share, whole * 100))
}

/// An amount of a document in the base currency, rounded to two places: the rate counts foreign units per base unit.
pub(crate) fn in_base_currency(amount: E4, currency: Option<&Currency>) -> E4 {
    match currency {
        None => amount,
        Some(currency) => E4::cents(div_half_up(
            i128::from(amount.0) * 1_000_000,
            i128::from(currency.rate_millionths) * 100,
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn e4(text: &str) -> E4 {
        E4::parse(text).unwrap()
    }

    #[test]
    fn tax_is_rounded_per_line_and_then_summed() {
        // Fact: 25.06, 25.61 and 25.63 at 15 % bear 3.76 + 3.84 + 3.84 = 11.44 of tax, where rounding the sum would
        // give 11.45 (developer.xero.com, "Rounding in Xero").
        let taxes: Vec<E4> = ["25.06", "25.61", "25.63"]
            .map(|amount| line_tax(e4(amount), E4::whole(15), LineAmountTypes::Exclusive))
            .into();
        assert_eq!(taxes, [e4("3.76"), e4("3.84"), e4("3.84")]);
        assert_eq!(taxes.into_iter().sum::<E4>(), e4("11.44"));
    }

    #[test]
    fn a_line_amount_is_rounded_once_half_up() {
        // Fact: LineAmount = Quantity x UnitAmount x (100 - DiscountRate) / 100, at two places, 2.165 -> 2.17
        // (Xero-OpenAPI LineItem; developer.xero.com, "Rounding in Xero").
        assert_eq!(line_amount(e4("1"), e4("2.165"), E4::ZERO), e4("2.17"));
        assert_eq!(line_amount(e4("3"), e4("0.3333"), E4::ZERO), e4("1.00"));
        assert_eq!(line_amount(e4("10"), e4("9.99"), e4("12.5")), e4("87.41"));
        assert_eq!(line_amount(e4("1"), e4("-2.165"), E4::ZERO), e4("-2.17"));
    }

    #[test]
    fn tax_contained_in_the_amount() {
        assert_eq!(line_tax(e4("110"), E4::whole(10), LineAmountTypes::Inclusive), e4("10"));
        assert_eq!(line_tax(e4("110"), E4::whole(10), LineAmountTypes::NoTax), E4::ZERO);
    }

    #[test]
    fn a_rate_counts_foreign_units_per_base_unit() {
        // Fact: CurrencyRate is foreign units per base unit, AUD 0.937053 for an organisation in New Zealand
        // (Xero-OpenAPI, the quote examples).
        let aud = Currency { code: "AUD".into(), rate_millionths: 937_053 };
        assert_eq!(in_base_currency(e4("93.71"), Some(&aud)), e4("100.01"));
    }
}
