//! How money, quantities, days and ages are written.

use std::borrow::Borrow;

use jiff::civil::Date;
use jiff::{Timestamp, Zoned};
use parstock_domain::audit::Head;
use parstock_domain::fixed::{Money, Quantity, decimals, mul_div};
use parstock_domain::units::PurchaseUnit;

/// Shown where there is no figure.
pub const NO_FIGURE: &str = "–";

/// Writes figures of one org as of one moment.
///
/// Its methods take figures by value or by reference, since templates pass references.
#[derive(Clone, Debug)]
pub struct Style {
    currency: String,
    now: Zoned,
}

impl Style {
    /// `currency` is the ISO code of the org's base currency, `now` lies in its time zone.
    pub fn new(currency: &str, now: Zoned) -> Self {
        // the code is shown beside amounts in places that escape nothing
        let currency = currency.chars().filter(char::is_ascii_uppercase).take(3).collect();
        Self { currency, now }
    }

    /// The present civil day of the org.
    pub fn today(&self) -> Date {
        self.now.date()
    }

    /// `$4,120.50`, with as many decimals as the currency has; `CHF 4,120.50` for one without a sign.
    pub fn money(&self, amount: impl Borrow<Money>) -> String {
        let amount = *amount.borrow();
        self.amount(amount, decimals(&self.currency))
    }

    /// `$4,121`: rounded half away from zero to whole units, for headlines.
    pub fn whole_money(&self, amount: impl Borrow<Money>) -> String {
        let amount = *amount.borrow();
        self.amount(amount, 0)
    }

    /// A price of one unit: up to four decimals, never fewer than the currency has.
    pub fn unit_price(&self, price: impl Borrow<Money>) -> String {
        let price = *price.borrow();
        let exact = trailing_decimals(price.e4());
        self.amount(price, exact.max(decimals(&self.currency)))
    }

    /// A price of one of what it is counted by: `$100.00 a case`.
    pub fn price_by(&self, price: impl Borrow<Money>, unit: Option<&PurchaseUnit>) -> String {
        let price = self.unit_price(price);
        unit.map_or_else(|| price.clone(), |unit| format!("{price} a {}", unit.name))
    }

    /// A quantity in base units, and as its supplier counts it: `120 (10 × case of 12)`.
    pub fn quantity_by(&self, quantity: impl Borrow<Quantity>, unit: Option<&PurchaseUnit>) -> String {
        let quantity = *quantity.borrow();
        let base = self.quantity(quantity);
        match unit.map(|unit| (unit, unit.of_base(quantity))) {
            Some((unit, Ok(units))) => {
                format!("{base} ({} × {} of {})", self.quantity(units), unit.name, self.quantity(unit.holds))
            }
            _ => base,
        }
    }

    /// As [`money`](Self::money), or a dash.
    pub fn money_or_dash(&self, amount: impl Borrow<Option<Money>>) -> String {
        let amount = *amount.borrow();
        amount.map_or_else(|| NO_FIGURE.to_owned(), |amount| self.money(amount))
    }

    /// `1,204` or `0.5`: without zeros that say nothing.
    pub fn quantity(&self, quantity: impl Borrow<Quantity>) -> String {
        let quantity = *quantity.borrow();
        fixed(quantity.e4(), trailing_decimals(quantity.e4()))
    }

    /// As [`quantity`](Self::quantity), or a dash.
    pub fn quantity_or_dash(&self, quantity: impl Borrow<Option<Quantity>>) -> String {
        let quantity = *quantity.borrow();
        quantity.map_or_else(|| NO_FIGURE.to_owned(), |quantity| self.quantity(quantity))
    }

    /// `+12` or `-3`.
    pub fn change(&self, quantity: impl Borrow<Quantity>) -> String {
        let quantity = *quantity.borrow();
        let sign = if quantity > Quantity::ZERO { "+" } else { "" };
        format!("{sign}{}", self.quantity(quantity))
    }

    /// `+$12.00` or `-$62.50`, always with its sign.
    pub fn change_of_money(&self, amount: impl Borrow<Money>) -> String {
        let amount = *amount.borrow();
        let sign = if amount > Money::ZERO { "+" } else { "" };
        format!("{sign}{}", self.money(amount))
    }

    /// `Tue 24 Nov`, with the year when it is another than the present.
    pub fn day(&self, day: impl Borrow<Date>) -> String {
        let day = *day.borrow();
        let shape = if day.year() == self.now.year() { "%a %-d %b" } else { "%a %-d %b %Y" };
        day.strftime(shape).to_string()
    }

    /// `October 2026`.
    pub fn month(&self, month: impl Borrow<Date>) -> String {
        month.borrow().strftime("%B %Y").to_string()
    }

    /// As [`day`](Self::day), or a dash.
    pub fn day_or_dash(&self, day: impl Borrow<Option<Date>>) -> String {
        let day = *day.borrow();
        day.map_or_else(|| NO_FIGURE.to_owned(), |day| self.day(day))
    }

    /// `08:04` today, else `Mon 23 Nov 17:30`, in the org's time zone.
    pub fn instant(&self, at: impl Borrow<Timestamp>) -> String {
        let at = *at.borrow();
        let local = at.to_zoned(self.now.time_zone().clone());
        let time = local.strftime("%H:%M");
        if local.date() == self.today() {
            time.to_string()
        } else {
            format!("{} {time}", self.day(local.date()))
        }
    }

    /// How long ago: `4 min`, `3 hours`, `2 days`.
    pub fn age(&self, since: impl Borrow<Timestamp>) -> String {
        age(*since.borrow(), self.now.timestamp())
    }

    /// `12 days`, or a dash.
    pub fn cover(&self, days: impl Borrow<Option<u32>>) -> String {
        let days = *days.borrow();
        days.map_or_else(|| NO_FIGURE.to_owned(), |days| counted(days, "day", "days"))
    }

    fn amount(&self, amount: Money, decimals: u32) -> String {
        let digits = fixed(amount.e4(), decimals);
        let (sign, digits) = digits.strip_prefix('-').map_or(("", digits.as_str()), |digits| ("-", digits));
        match symbol(&self.currency) {
            Some(symbol) => format!("{sign}{symbol}{digits}"),
            None => format!("{sign}{} {digits}", self.currency),
        }
    }
}

/// The sign before an amount, for currencies with one that their readers use.
fn symbol(currency: &str) -> Option<&'static str> {
    Some(match currency {
        "AUD" | "CAD" | "HKD" | "NZD" | "SGD" | "USD" => "$",
        "EUR" => "€",
        "GBP" => "£",
        "INR" => "₹",
        "CNY" | "JPY" => "¥",
        _ => return None,
    })
}

/// How many decimals a number of ten-thousandths needs.
fn trailing_decimals(e4: i64) -> u32 {
    (0..4).find(|decimals| e4 % 10_i64.pow(4 - decimals) == 0).unwrap_or(4)
}

/// Ten-thousandths with `decimals` (at most 4) after the point, rounded half away from zero, thousands
/// set apart by commas.
fn fixed(e4: i64, decimals: u32) -> String {
    let decimals = decimals.min(4);
    // dividing makes it smaller: it always fits
    let scaled = mul_div(e4, 1, 10_i64.pow(4 - decimals)).unwrap_or(e4);
    let one = 10_u64.pow(decimals);
    let (whole, fraction) = (scaled.unsigned_abs() / one, scaled.unsigned_abs() % one);
    let sign = if scaled < 0 { "-" } else { "" };
    let whole = grouped(whole);
    if decimals == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction:0width$}", width = usize::try_from(decimals).unwrap_or(4))
    }
}

/// `1,234,567`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 item`, `2 items`.
pub fn counted(count: impl TryInto<u64>, one: &str, many: &str) -> String {
    let count = count.try_into().unwrap_or(u64::MAX);
    if count == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(count)) }
}

/// `part` of `whole` in percent with one decimal, rounded half up: `3.5 %`.
pub fn percent(part: u32, whole: u32) -> String {
    if whole == 0 {
        return NO_FIGURE.to_owned();
    }
    let (part, whole) = (u64::from(part), u64::from(whole));
    let tenths = (part * 2000 + whole) / (2 * whole);
    format!("{}.{} %", tenths / 10, tenths % 10)
}

/// So many of a thousand in percent: `3.5 %`.
pub(crate) fn percent_of(per_mille: i64) -> String {
    let sign = if per_mille < 0 { "\u{2212}" } else { "" };
    let (whole, tenth) = (per_mille.unsigned_abs() / 10, per_mille.unsigned_abs() % 10);
    format!("{sign}{whole}.{tenth} %")
}

/// Digits of a hash that are enough to compare by eye.
const HASH_DIGITS_SHOWN: usize = 16;

/// The end of the audit chain: `entry 4,211, hash 1f2e3d4c5b6a7988`.
pub(crate) fn audit_head(head: Head) -> String {
    let hash = head.hash.to_string();
    format!("entry {}, hash {}", grouped(head.seq), hash.get(..HASH_DIGITS_SHOWN).unwrap_or(&hash))
}

/// How long ago, as [`Style::age`] has it.
pub(crate) fn age(since: Timestamp, now: Timestamp) -> String {
    let minutes = now.duration_since(since).as_mins();
    match minutes {
        ..1 => "less than a minute".to_owned(),
        1..120 => format!("{minutes} min"),
        120..2880 => format!("{} hours", minutes / 60),
        _ => format!("{} days", minutes / 1440),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(currency: &str) -> Style {
        Style::new(currency, "2026-11-24T08:00:00+11:00[Australia/Sydney]".parse().unwrap())
    }

    #[test]
    fn money_is_written_as_its_readers_write_it() {
        let cases = [
            ("AUD", "4120.5", "$4,120.50", "$4,121"),
            ("AUD", "-0.005", "-$0.01", "$0"),
            ("JPY", "1234567", "¥1,234,567", "¥1,234,567"),
            ("KWD", "1.5", "KWD 1.500", "KWD 2"),
            ("CHF", "-999.994", "-CHF 999.99", "-CHF 1,000"),
        ];
        for (currency, amount, shown, whole) in cases {
            let amount: Money = amount.parse().unwrap();
            assert_eq!(style(currency).money(amount), shown);
            assert_eq!(style(currency).whole_money(amount), whole);
        }
        assert_eq!(style("EUR").unit_price("1.2345".parse::<Money>().unwrap()), "€1.2345");
        assert_eq!(style("EUR").unit_price("1.2".parse::<Money>().unwrap()), "€1.20");
    }

    #[test]
    fn quantities_have_no_idle_zeros() {
        let s = style("AUD");
        assert_eq!(s.quantity("1204.0".parse::<Quantity>().unwrap()), "1,204");
        assert_eq!(s.quantity("0.25".parse::<Quantity>().unwrap()), "0.25");
        assert_eq!(s.quantity("-3".parse::<Quantity>().unwrap()), "-3");
        assert_eq!(s.change("3".parse::<Quantity>().unwrap()), "+3");
        assert_eq!(s.quantity_or_dash(None), NO_FIGURE);
        assert_eq!(s.quantity(Quantity::from_e4(i64::MIN)), "-922,337,203,685,477.5808");
    }

    #[test]
    fn days_and_instants_are_the_orgs() {
        let s = style("AUD");
        assert_eq!(s.day("2026-11-24".parse::<Date>().unwrap()), "Tue 24 Nov");
        assert_eq!(s.day("2027-01-01".parse::<Date>().unwrap()), "Fri 1 Jan 2027");
        // 08:00 in Sydney is 21:00 UTC of the day before
        assert_eq!(s.instant("2026-11-23T20:56:00Z".parse::<Timestamp>().unwrap()), "07:56");
        assert_eq!(s.instant("2026-11-23T12:59:00Z".parse::<Timestamp>().unwrap()), "Mon 23 Nov 23:59");
    }

    #[test]
    fn ages_grow_coarser() {
        let s = style("AUD");
        let cases = [
            ("2026-11-23T20:59:30Z", "less than a minute"),
            ("2026-11-23T21:05:00Z", "less than a minute"),
            ("2026-11-23T20:56:00Z", "4 min"),
            ("2026-11-23T19:01:00Z", "119 min"),
            ("2026-11-23T19:00:00Z", "2 hours"),
            ("2026-11-21T21:00:00Z", "2 days"),
        ];
        for (since, shown) in cases {
            assert_eq!(s.age(since.parse::<Timestamp>().unwrap()), shown, "{since}");
        }
    }

    #[test]
    fn shares_are_rounded_half_up() {
        assert_eq!(percent(12, 340), "3.5 %");
        assert_eq!(percent(1, 3), "33.3 %");
        assert_eq!(percent(1, 2000), "0.1 %");
        assert_eq!(percent(5, 0), NO_FIGURE);
    }
}
