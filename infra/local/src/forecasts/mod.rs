//! Forecasts from files: what `parstock forecast` reads, asks the engine for, and writes.

mod calendar;
mod history;
mod long;
mod run;

use std::collections::{BTreeMap, BTreeSet};

use crate::tables::Wrong;

pub use calendar::DataSet;
pub use history::{History, Past};
pub use long::long;
pub use run::{each_cutoff, forecast_all, lines};

/// The first line of what is written.
pub const HEADER: &str = "unique_id,cutoff,h,mean,q50,q80,q90,q95,q975,q99";
/// Items that are forecast together at most.
pub const ITEMS_MAX: usize = 200_000;
/// Categories of them at most: each has sums by period of its own.
pub const CATEGORIES_MAX: usize = 1_000;

/// A number for each category that is named, in order of the names, whatever the order of the items. An empty name is none.
///
/// # Errors
/// They are too many.
pub fn categories<'a>(names: impl Iterator<Item = &'a str>) -> Result<BTreeMap<&'a str, u32>, Wrong> {
    let names: BTreeSet<&str> = names.filter(|name| !name.is_empty()).collect();
    if names.len() > CATEGORIES_MAX {
        return Err(Wrong::whole(format!(
            "{} categories are more than {CATEGORIES_MAX}: name wider ones, or none",
            names.len()
        )));
    }
    Ok(names.into_iter().zip(0..).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn categories_are_numbered_by_name_up_to_a_limit() {
        let few = categories(["tea", "", "cups", "tea"].into_iter()).unwrap();
        assert_eq!(few, BTreeMap::from([("cups", 0), ("tea", 1)]));
        let names: Vec<String> = (0..=CATEGORIES_MAX).map(|number| number.to_string()).collect();
        assert!(categories(names.iter().skip(1).map(String::as_str)).is_ok());
        let wrong = categories(names.iter().map(String::as_str)).unwrap_err();
        assert_eq!(wrong.what, "1001 categories are more than 1000: name wider ones, or none");
    }
}
