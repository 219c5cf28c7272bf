//! The forms in which Xero writes days and instants.
//!
//! Sources: Xero's documentation of requests and responses, which calls the first form Microsoft's; the
//! `DateString` and `UpdatedDateUTCString` fields of its answers; the date-only form of its requests.

use jiff::{
    SignedDuration, Timestamp,
    civil::{Date, DateTime},
    tz::TimeZone,
};
use serde::{Deserialize, Deserializer, de};

use crate::model::lenient;

/// The form of `If-Modified-Since`: UTC, to the second. The OpenAPI document types the header as `date-time`, which
/// has a zone; documentation texts show it without.
const MODIFIED_SINCE_FORM: &str = "%Y-%m-%dT%H:%M:%SZ";

/// The civil day of a document date.
///
/// A document date is a day of the organisation's own calendar. Xero writes it as midnight of that day, so the
/// date *as written* is the day, whatever zone stands behind it: `/Date(1443657600000+0000)/`,
/// `2015-10-01T00:00:00` and `2015-10-01` are all 1 October 2015. `None` for any other text.
#[must_use]
pub fn parse_day(text: &str) -> Option<Date> {
    if let Some((instant, offset)) = microsoft(text) {
        return Some(TimeZone::UTC.to_datetime(instant.checked_add(offset).ok()?).date());
    }
    if text.len() == DAY_LENGTH {
        return text.parse().ok();
    }
    instant_as_written(text).map(|(written, _)| written.date())
}

/// The instant of a field such as `UpdatedDateUTC`; a text without a zone is UTC. `None` for any other text.
#[must_use]
pub fn parse_instant(text: &str) -> Option<Timestamp> {
    if let Some((instant, _)) = microsoft(text) {
        return Some(instant);
    }
    if text.len() == DAY_LENGTH {
        return TimeZone::UTC
            .to_timestamp(text.parse::<Date>().ok()?.to_datetime(jiff::civil::Time::midnight()))
            .ok();
    }
    instant_as_written(text).map(|(_, instant)| instant)
}

/// The length of `YYYY-MM-DD`.
const DAY_LENGTH: usize = 10;

/// `/Date(milliseconds[+hhmm])/`: the milliseconds are always UTC, the offset is that of the place meant.
fn microsoft(text: &str) -> Option<(Timestamp, SignedDuration)> {
    let inside = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    // The first character may be the minus of the milliseconds.
    let sign_at =
        inside.char_indices().skip(1).find(|(_, letter)| matches!(letter, '+' | '-')).map(|(at, _)| at);
    let (milliseconds, offset) = match sign_at {
        Some(at) => (inside.get(..at)?, offset(inside.get(at..)?)?),
        None => (inside, SignedDuration::ZERO),
    };
    Some((Timestamp::from_millisecond(milliseconds.parse().ok()?).ok()?, offset))
}

/// `+hhmm` or `-hhmm`.
fn offset(text: &str) -> Option<SignedDuration> {
    let digits = text.get(1..)?;
    if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let minutes = digits.get(..2)?.parse::<i64>().ok()? * 60 + digits.get(2..)?.parse::<i64>().ok()?;
    Some(SignedDuration::from_mins(if text.starts_with('-') { -minutes } else { minutes }))
}

/// An ISO date and time: the reading of its clock, and the instant (UTC where it names no zone).
fn instant_as_written(text: &str) -> Option<(DateTime, Timestamp)> {
    let time = text.get(DAY_LENGTH..)?;
    if !time.starts_with('T') {
        return None;
    }
    let zone_at = time.find(['Z', 'z', '+', '-']).map(|at| at + DAY_LENGTH);
    let written: DateTime = text.get(..zone_at.unwrap_or(text.len()))?.parse().ok()?;
    let instant = match zone_at {
        Some(_) => text.parse().ok()?,
        None => TimeZone::UTC.to_timestamp(written).ok()?,
    };
    Some((written, instant))
}

/// An instant as Xero takes it in `If-Modified-Since`, cut to the second, so that nothing is missed.
pub(crate) fn modified_since(instant: Timestamp) -> String {
    instant.strftime(MODIFIED_SINCE_FORM).to_string()
}

/// Reads an optional document date.
pub(crate) fn optional_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    optional(deserializer, parse_day, "not a date")
}

/// Reads an optional instant.
pub(crate) fn optional_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    optional(deserializer, parse_instant, "not an instant")
}

/// Reads a document date on which nothing depends: what is none is left out.
pub(crate) fn lenient_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    Ok(lenient::<D, String>(deserializer)?.as_deref().and_then(parse_day))
}

/// Reads an instant on which nothing depends: what is none is left out.
pub(crate) fn lenient_instant<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    Ok(lenient::<D, String>(deserializer)?.as_deref().and_then(parse_instant))
}

fn optional<'de, D: Deserializer<'de>, T>(
    deserializer: D,
    parse: fn(&str) -> Option<T>,
    message: &'static str,
) -> Result<Option<T>, D::Error> {
    match Option::<String>::deserialize(deserializer)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => parse(text).map(Some).ok_or_else(|| de::Error::custom(message)),
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_document_date_is_the_day_as_written() {
        for (text, expected) in [
            ("/Date(1443657600000+0000)/", date(2015, 10, 1)),
            ("/Date(1443657600000)/", date(2015, 10, 1)),
            ("/Date(1439434356790+0000)/", date(2015, 8, 13)),
            // Midnight in Auckland is eleven o'clock of the day before in UTC.
            ("/Date(1419937200000+1300)/", date(2014, 12, 31)),
            ("/Date(1419937200000+0000)/", date(2014, 12, 30)),
            ("/Date(1420002000000-0500)/", date(2014, 12, 31)),
            ("/Date(-86400000+0000)/", date(1969, 12, 31)),
            ("2015-10-01T00:00:00", date(2015, 10, 1)),
            ("2015-10-01T23:59:59.9999999", date(2015, 10, 1)),
            ("2015-10-01T00:00:00Z", date(2015, 10, 1)),
            ("2015-10-01T00:00:00+13:00", date(2015, 10, 1)),
            ("2015-10-01T00:00:00-08:00", date(2015, 10, 1)),
            ("2015-10-01", date(2015, 10, 1)),
        ] {
            assert_eq!(parse_day(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn an_instant_is_utc_unless_it_says_otherwise() {
        for (text, expected) in [
            ("/Date(1439434356790+0000)/", "2015-08-13T02:52:36.79Z"),
            ("/Date(1439434356790+1200)/", "2015-08-13T02:52:36.79Z"),
            ("/Date(1439434356790)/", "2015-08-13T02:52:36.79Z"),
            ("2025-12-02T00:44:09.923", "2025-12-02T00:44:09.923Z"),
            ("2025-12-02T00:44:09", "2025-12-02T00:44:09Z"),
            ("2025-12-02T00:44:09Z", "2025-12-02T00:44:09Z"),
            ("2025-12-02T13:44:09+13:00", "2025-12-02T00:44:09Z"),
            ("2020-02-06T12:17:43.202-08:00", "2020-02-06T20:17:43.202Z"),
            ("2025-12-02", "2025-12-02T00:00:00Z"),
        ] {
            assert_eq!(parse_instant(text), Some(expected.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "today",
            "/Date()/",
            "/Date(x)/",
            "/Date(1+2)/",
            "/Date(1443657600000+00)/",
            "2015-13-01",
            "01/10/2015",
            "2015-10-01 00:00:00",
            "2015-10-01T",
            "2015-10-01Tnoon",
            "2015-10-01T25:00:00",
            "é015-10-01T00:00:00",
        ] {
            assert_eq!(parse_day(text), None, "{text}");
            assert_eq!(parse_instant(text), None, "{text}");
        }
    }

    #[test]
    fn modified_since_is_utc_to_the_second() {
        let instant: Timestamp = "2026-11-22T12:45:59.999+13:00".parse().unwrap();
        assert_eq!(modified_since(instant), "2026-11-21T23:45:59Z");
    }

    proptest! {
        #[test]
        fn midnight_of_any_day_is_that_day(days in -200_000_i64..1_000_000) {
            let text = format!("/Date({}+0000)/", days * 86_400_000);
            let expected = date(1970, 1, 1).checked_add(SignedDuration::from_hours(24 * days)).unwrap();
            prop_assert_eq!(parse_day(&text), Some(expected));
            prop_assert_eq!(parse_day(&expected.to_string()), Some(expected));
            prop_assert_eq!(parse_day(&format!("{expected}T00:00:00")), Some(expected));
        }

        #[test]
        fn any_millisecond_is_kept(milliseconds in -1_000_000_000_000_i64..10_000_000_000_000) {
            let text = format!("/Date({milliseconds}+0000)/");
            prop_assert_eq!(parse_instant(&text).unwrap().as_millisecond(), milliseconds);
        }

        #[test]
        fn no_text_makes_it_fail_hard(text in "\\PC{0,40}") {
            let _ = (parse_day(&text), parse_instant(&text));
        }
    }
}
