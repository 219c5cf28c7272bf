//! Query strings and headers of a read: paging, filters, order.

use std::collections::{BTreeMap, BTreeSet};

use http::request::Parts;
use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::http::reply::Reply;

/// Page size where none is asked for.
const DEFAULT_PAGE_SIZE: usize = 100;
/// Largest page size.
const LARGEST_PAGE_SIZE: usize = 1_000;

/// A field that can be filtered and ordered by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Field {
    Text(String),
    Flag(bool),
    Day(Date),
    Instant(i64),
}

/// A comparison in a `where`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Condition {
    field: String,
    operator: &'static str,
    value: Field,
}

/// A page asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Counted from 1.
    pub(crate) number: usize,
    pub(crate) size: usize,
}

/// What a call asks for.
#[derive(Debug)]
pub(crate) struct Query {
    parameters: BTreeMap<String, String>,
    /// Milliseconds since 1970 (UTC), whole seconds; `i64::MIN` for everything.
    pub(crate) modified_since: i64,
    pub(crate) page: Option<Page>,
    conditions: Vec<Condition>,
    order: Option<(String, bool)>,
}

impl Query {
    pub(crate) fn read(parts: &Parts) -> Result<Query, Reply> {
        let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(&parts.uri)
            .map_err(|_| Reply::bad_query("The query string can't be read"))?;
        let parameters: BTreeMap<String, String> =
            pairs.0.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        let modified_since = match parts.headers.get(http::header::IF_MODIFIED_SINCE) {
            None => i64::MIN,
            Some(value) => value
                .to_str()
                .ok()
                .and_then(read_instant)
                .ok_or_else(|| Reply::bad_query("If-Modified-Since can't be read as a date"))?,
        };
        let conditions = parameters.get("where").map_or(Ok(Vec::new()), |text| read_where(text))?;
        let order = parameters.get("order").map(|text| read_order(text)).transpose()?;
        let page = read_page(&parameters)?;
        Ok(Query { parameters, modified_since, page, conditions, order })
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.parameters.get(&name.to_ascii_lowercase()).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A comma-separated list, without regard to case.
    pub(crate) fn list(&self, name: &str) -> Option<BTreeSet<String>> {
        Some(self.text(name)?.split(',').map(|part| part.trim().to_ascii_lowercase()).collect())
    }

    pub(crate) fn is(&self, name: &str, value: &str) -> bool {
        self.text(name).is_some_and(|text| text.eq_ignore_ascii_case(value))
    }

    pub(crate) fn day(&self, name: &str) -> Result<Option<Date>, Reply> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.parse().map(Some).map_err(|_| Reply::bad_query(&format!("{name} can't be read as a date")))
    }

    /// Whether prices are wanted at four places.
    pub(crate) fn four_places(&self) -> bool {
        self.is("unitdp", "4")
    }

    /// Keeps what every condition of `where` holds for; then orders it if asked.
    pub(crate) fn select<T>(
        &self,
        rows: impl Iterator<Item = T>,
        field: impl Fn(&T, &str) -> Option<Field>,
    ) -> Result<Vec<T>, Reply> {
        let mut kept = Vec::new();
        'rows: for row in rows {
            for condition in &self.conditions {
                let Some(found) = field(&row, &condition.field) else {
                    return Err(Reply::bad_query(&format!("No field '{}' to filter by", condition.field)));
                };
                if !condition.holds(&found)? {
                    continue 'rows;
                }
            }
            kept.push(row);
        }
        if let Some((name, descending)) = &self.order {
            if kept.iter().any(|row| field(row, name).is_none()) {
                return Err(Reply::bad_query(&format!("No field '{name}' to order by")));
            }
            kept.sort_by_cached_key(|row| field(row, name));
            if *descending {
                kept.reverse();
            }
        }
        Ok(kept)
    }
}

impl Condition {
    fn holds(&self, found: &Field) -> Result<bool, Reply> {
        let order = match (found, &self.value) {
            (Field::Text(a), Field::Text(b)) => a.to_ascii_lowercase().cmp(&b.to_ascii_lowercase()),
            (Field::Flag(a), Field::Flag(b)) => a.cmp(b),
            (Field::Day(a), Field::Day(b)) => a.cmp(b),
            _ => {
                return Err(Reply::bad_query(&format!("'{}' can't be compared with this value", self.field)));
            }
        };
        Ok(match self.operator {
            ">=" => order.is_ge(),
            "<=" => order.is_le(),
            "!=" => order.is_ne(),
            ">" => order.is_gt(),
            "<" => order.is_lt(),
            _ => order.is_eq(),
        })
    }
}

/// Reads conditions joined by AND, the only form that is simulated; anything else is refused, never ignored.
fn read_where(text: &str) -> Result<Vec<Condition>, Reply> {
    let unreadable = || Reply::bad_query(&format!("The where clause '{text}' is not one that is simulated"));
    let joined = text.replace("&&", " AND ");
    let mut conditions = Vec::new();
    for part in joined.split(" AND ").flat_map(|part| part.split(" and ")) {
        let operator = ["==", "!=", ">=", "<=", ">", "<", "="].into_iter().find(|sign| part.contains(sign));
        let operator = operator.ok_or_else(unreadable)?;
        let (field, value) = part.split_once(operator).ok_or_else(unreadable)?;
        let value = read_value(value.trim()).ok_or_else(unreadable)?;
        conditions.push(Condition { field: field.trim().to_owned(), operator, value });
    }
    Ok(conditions)
}

fn read_value(text: &str) -> Option<Field> {
    if let Some(inner) = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some(Field::Text(inner.to_owned()));
    }
    if let Some(inner) = text.strip_prefix("DateTime(").and_then(|rest| rest.strip_suffix(')')) {
        let mut parts = inner.split(',').map(|part| part.trim().parse::<i16>().ok());
        let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
        return Some(Field::Day(Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()?));
    }
    match text {
        "true" => Some(Field::Flag(true)),
        "false" => Some(Field::Flag(false)),
        _ => None,
    }
}

fn read_order(text: &str) -> Result<(String, bool), Reply> {
    let mut words = text.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(field), None, None) => Ok((field.to_owned(), false)),
        (Some(field), Some(direction), None) if direction.eq_ignore_ascii_case("asc") => {
            Ok((field.to_owned(), false))
        }
        (Some(field), Some(direction), None) if direction.eq_ignore_ascii_case("desc") => {
            Ok((field.to_owned(), true))
        }
        _ => Err(Reply::bad_query(&format!("The order '{text}' can't be read"))),
    }
}

fn read_page(parameters: &BTreeMap<String, String>) -> Result<Option<Page>, Reply> {
    let number = |name: &str, largest: usize| match parameters.get(name).map(|text| text.parse::<usize>()) {
        None => Ok(None),
        Some(Ok(value)) if (1..=largest).contains(&value) => Ok(Some(value)),
        Some(_) => Err(Reply::bad_query(&format!("{name} must be a number from 1 to {largest}"))),
    };
    let size = number("pagesize", LARGEST_PAGE_SIZE)?.unwrap_or(DEFAULT_PAGE_SIZE);
    Ok(number("page", u32::MAX as usize)?.map(|number| Page { number, size }))
}

/// Reads `2020-02-06T12:17:43.202`, with or without `Z`, or the form of HTTP; cut to whole seconds.
fn read_instant(text: &str) -> Option<i64> {
    let civil = text.trim_end_matches('Z').parse::<DateTime>().ok();
    let instant = match civil {
        Some(civil) => civil.to_zoned(TimeZone::UTC).ok()?.timestamp(),
        None => {
            let civil = DateTime::strptime("%a, %d %b %Y %H:%M:%S GMT", text).ok()?;
            civil.to_zoned(TimeZone::UTC).ok()?.timestamp()
        }
    };
    Some(instant.as_second() * 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_read_in_both_forms_and_cut_to_seconds() {
        assert_eq!(read_instant("2020-02-06T12:17:43.902"), Some(1_580_991_463_000));
        assert_eq!(read_instant("2020-02-06T12:17:43Z"), Some(1_580_991_463_000));
        assert_eq!(read_instant("Thu, 06 Feb 2020 12:17:43 GMT"), Some(1_580_991_463_000));
        assert_eq!(read_instant("yesterday"), None);
    }

    #[test]
    fn conditions_are_read_or_refused() {
        let conditions = read_where(r#"Type=="ACCREC" AND Date>=DateTime(2024, 01, 31)"#).unwrap();
        assert_eq!(conditions.len(), 2);
        assert_eq!(conditions[1].operator, ">=");
        assert_eq!(conditions[1].value, Field::Day(jiff::civil::date(2024, 1, 31)));
        assert!(read_where(r#"Type=="A" OR Type=="B""#).is_err() || read_where("Contact.Name").is_err());
        assert!(read_where("Total > 5").is_err());
    }
}
