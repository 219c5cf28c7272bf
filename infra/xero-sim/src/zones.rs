//! The civil day of an organisation.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

/// Xero's names for the time zones of the countries that custom connections exist in (AU, NZ, UK, US).
const ZONES: [(&str, &str); 13] = [
    ("AUSCENTRALSTANDARDTIME", "Australia/Darwin"),
    ("AUSEASTERNSTANDARDTIME", "Australia/Sydney"),
    ("CENAUSTRALIASTANDARDTIME", "Australia/Adelaide"),
    ("EAUSTRALIASTANDARDTIME", "Australia/Brisbane"),
    ("TASMANIASTANDARDTIME", "Australia/Hobart"),
    ("WAUSTRALIASTANDARDTIME", "Australia/Perth"),
    ("NEWZEALANDSTANDARDTIME", "Pacific/Auckland"),
    ("GMTSTANDARDTIME", "Europe/London"),
    ("EASTERNSTANDARDTIME", "America/New_York"),
    ("CENTRALSTANDARDTIME", "America/Chicago"),
    ("MOUNTAINSTANDARDTIME", "America/Denver"),
    ("PACIFICSTANDARDTIME", "America/Los_Angeles"),
    ("UTC", "UTC"),
];

/// The day that an instant falls on in a zone of Xero's enumeration; `None` for zones outside the four countries.
pub(crate) fn day_in(zone: &str, now: Timestamp) -> Option<Date> {
    let (_, iana) = ZONES.iter().find(|(name, _)| *name == zone)?;
    Some(now.to_zoned(TimeZone::get(iana).ok()?).date())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_zone_is_known_to_the_time_zone_database() {
        let evening: Timestamp = "2026-06-30T22:00:00Z".parse().unwrap();
        for (name, _) in ZONES {
            assert!(day_in(name, evening).is_some(), "{name}");
        }
        assert_eq!(day_in("AUSEASTERNSTANDARDTIME", evening), Some(jiff::civil::date(2026, 7, 1)));
        assert_eq!(day_in("GMTSTANDARDTIME", evening), Some(jiff::civil::date(2026, 6, 30)));
        assert_eq!(day_in("ATLANTIS", evening), None);
    }
}
