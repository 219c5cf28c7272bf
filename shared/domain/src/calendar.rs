//! The org's civil days: which zone it lives in, when its day begins, when its digest is due.
//!
//! A day means the org's day, never UTC's.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{SignedDuration, Timestamp, ToSpan};
use thiserror::Error;

/// Xero's `Organisation.Timezone` (the `TimeZone` enumeration of Xero's OpenAPI description: Windows zone
/// names without blanks and points, `UTC-02` without its hyphen) and the IANA zone that Unicode CLDR's
/// `windowsZones` gives for territory 001. `Mid-Atlantic`, which CLDR no longer lists, is a fixed two
/// hours behind UTC, as Windows' own description of it says. Sorted by name.
const XERO_ZONES: [(&str, &str); 141] = [
    ("AFGHANISTANSTANDARDTIME", "Asia/Kabul"),
    ("ALASKANSTANDARDTIME", "America/Anchorage"),
    ("ALEUTIANSTANDARDTIME", "America/Adak"),
    ("ALTAISTANDARDTIME", "Asia/Barnaul"),
    ("ARABIANSTANDARDTIME", "Asia/Dubai"),
    ("ARABICSTANDARDTIME", "Asia/Baghdad"),
    ("ARABSTANDARDTIME", "Asia/Riyadh"),
    ("ARGENTINASTANDARDTIME", "America/Argentina/Buenos_Aires"),
    ("ASTRAKHANSTANDARDTIME", "Europe/Astrakhan"),
    ("ATLANTICSTANDARDTIME", "America/Halifax"),
    ("AUSCENTRALSTANDARDTIME", "Australia/Darwin"),
    ("AUSCENTRALWSTANDARDTIME", "Australia/Eucla"),
    ("AUSEASTERNSTANDARDTIME", "Australia/Sydney"),
    ("AZERBAIJANSTANDARDTIME", "Asia/Baku"),
    ("AZORESSTANDARDTIME", "Atlantic/Azores"),
    ("BAHIASTANDARDTIME", "America/Bahia"),
    ("BANGLADESHSTANDARDTIME", "Asia/Dhaka"),
    ("BELARUSSTANDARDTIME", "Europe/Minsk"),
    ("BOUGAINVILLESTANDARDTIME", "Pacific/Bougainville"),
    ("CANADACENTRALSTANDARDTIME", "America/Regina"),
    ("CAPEVERDESTANDARDTIME", "Atlantic/Cape_Verde"),
    ("CAUCASUSSTANDARDTIME", "Asia/Yerevan"),
    ("CENAUSTRALIASTANDARDTIME", "Australia/Adelaide"),
    ("CENTRALAMERICASTANDARDTIME", "America/Guatemala"),
    ("CENTRALASIASTANDARDTIME", "Asia/Bishkek"),
    ("CENTRALBRAZILIANSTANDARDTIME", "America/Cuiaba"),
    ("CENTRALEUROPEANSTANDARDTIME", "Europe/Warsaw"),
    ("CENTRALEUROPESTANDARDTIME", "Europe/Budapest"),
    ("CENTRALPACIFICSTANDARDTIME", "Pacific/Guadalcanal"),
    ("CENTRALSTANDARDTIME", "America/Chicago"),
    ("CENTRALSTANDARDTIME(MEXICO)", "America/Mexico_City"),
    ("CHATHAMISLANDSSTANDARDTIME", "Pacific/Chatham"),
    ("CHINASTANDARDTIME", "Asia/Shanghai"),
    ("CUBASTANDARDTIME", "America/Havana"),
    ("DATELINESTANDARDTIME", "Etc/GMT+12"),
    ("EAFRICASTANDARDTIME", "Africa/Nairobi"),
    ("EASTERISLANDSTANDARDTIME", "Pacific/Easter"),
    ("EASTERNSTANDARDTIME", "America/New_York"),
    ("EASTERNSTANDARDTIME(MEXICO)", "America/Cancun"),
    ("EAUSTRALIASTANDARDTIME", "Australia/Brisbane"),
    ("EEUROPESTANDARDTIME", "Europe/Chisinau"),
    ("EGYPTSTANDARDTIME", "Africa/Cairo"),
    ("EKATERINBURGSTANDARDTIME", "Asia/Yekaterinburg"),
    ("ESOUTHAMERICASTANDARDTIME", "America/Sao_Paulo"),
    ("FIJISTANDARDTIME", "Pacific/Fiji"),
    ("FLESTANDARDTIME", "Europe/Kyiv"),
    ("GEORGIANSTANDARDTIME", "Asia/Tbilisi"),
    ("GMTSTANDARDTIME", "Europe/London"),
    ("GREENLANDSTANDARDTIME", "America/Nuuk"),
    ("GREENWICHSTANDARDTIME", "Atlantic/Reykjavik"),
    ("GTBSTANDARDTIME", "Europe/Bucharest"),
    ("HAITISTANDARDTIME", "America/Port-au-Prince"),
    ("HAWAIIANSTANDARDTIME", "Pacific/Honolulu"),
    ("INDIASTANDARDTIME", "Asia/Kolkata"),
    ("IRANSTANDARDTIME", "Asia/Tehran"),
    ("ISRAELSTANDARDTIME", "Asia/Jerusalem"),
    ("JORDANSTANDARDTIME", "Asia/Amman"),
    ("KALININGRADSTANDARDTIME", "Europe/Kaliningrad"),
    ("KAMCHATKASTANDARDTIME", "Asia/Kamchatka"),
    ("KOREASTANDARDTIME", "Asia/Seoul"),
    ("LIBYASTANDARDTIME", "Africa/Tripoli"),
    ("LINEISLANDSSTANDARDTIME", "Pacific/Kiritimati"),
    ("LORDHOWESTANDARDTIME", "Australia/Lord_Howe"),
    ("MAGADANSTANDARDTIME", "Asia/Magadan"),
    ("MAGALLANESSTANDARDTIME", "America/Punta_Arenas"),
    ("MARQUESASSTANDARDTIME", "Pacific/Marquesas"),
    ("MAURITIUSSTANDARDTIME", "Indian/Mauritius"),
    ("MIDATLANTICSTANDARDTIME", "Etc/GMT+2"),
    ("MIDDLEEASTSTANDARDTIME", "Asia/Beirut"),
    ("MONTEVIDEOSTANDARDTIME", "America/Montevideo"),
    ("MOROCCOSTANDARDTIME", "Africa/Casablanca"),
    ("MOUNTAINSTANDARDTIME", "America/Denver"),
    ("MOUNTAINSTANDARDTIME(MEXICO)", "America/Mazatlan"),
    ("MYANMARSTANDARDTIME", "Asia/Yangon"),
    ("NAMIBIASTANDARDTIME", "Africa/Windhoek"),
    ("NCENTRALASIASTANDARDTIME", "Asia/Novosibirsk"),
    ("NEPALSTANDARDTIME", "Asia/Kathmandu"),
    ("NEWFOUNDLANDSTANDARDTIME", "America/St_Johns"),
    ("NEWZEALANDSTANDARDTIME", "Pacific/Auckland"),
    ("NORFOLKSTANDARDTIME", "Pacific/Norfolk"),
    ("NORTHASIAEASTSTANDARDTIME", "Asia/Irkutsk"),
    ("NORTHASIASTANDARDTIME", "Asia/Krasnoyarsk"),
    ("NORTHKOREASTANDARDTIME", "Asia/Pyongyang"),
    ("OMSKSTANDARDTIME", "Asia/Omsk"),
    ("PACIFICSASTANDARDTIME", "America/Santiago"),
    ("PACIFICSTANDARDTIME", "America/Los_Angeles"),
    ("PACIFICSTANDARDTIME(MEXICO)", "America/Tijuana"),
    ("PAKISTANSTANDARDTIME", "Asia/Karachi"),
    ("PARAGUAYSTANDARDTIME", "America/Asuncion"),
    ("QYZYLORDASTANDARDTIME", "Asia/Qyzylorda"),
    ("ROMANCESTANDARDTIME", "Europe/Paris"),
    ("RUSSIANSTANDARDTIME", "Europe/Moscow"),
    ("RUSSIATIMEZONE10", "Asia/Srednekolymsk"),
    ("RUSSIATIMEZONE11", "Asia/Kamchatka"),
    ("RUSSIATIMEZONE3", "Europe/Samara"),
    ("SAEASTERNSTANDARDTIME", "America/Cayenne"),
    ("SAINTPIERRESTANDARDTIME", "America/Miquelon"),
    ("SAKHALINSTANDARDTIME", "Asia/Sakhalin"),
    ("SAMOASTANDARDTIME", "Pacific/Apia"),
    ("SAOTOMESTANDARDTIME", "Africa/Sao_Tome"),
    ("SAPACIFICSTANDARDTIME", "America/Bogota"),
    ("SARATOVSTANDARDTIME", "Europe/Saratov"),
    ("SAWESTERNSTANDARDTIME", "America/La_Paz"),
    ("SEASIASTANDARDTIME", "Asia/Bangkok"),
    ("SINGAPORESTANDARDTIME", "Asia/Singapore"),
    ("SOUTHAFRICASTANDARDTIME", "Africa/Johannesburg"),
    ("SOUTHSUDANSTANDARDTIME", "Africa/Juba"),
    ("SRILANKASTANDARDTIME", "Asia/Colombo"),
    ("SUDANSTANDARDTIME", "Africa/Khartoum"),
    ("SYRIASTANDARDTIME", "Asia/Damascus"),
    ("TAIPEISTANDARDTIME", "Asia/Taipei"),
    ("TASMANIASTANDARDTIME", "Australia/Hobart"),
    ("TOCANTINSSTANDARDTIME", "America/Araguaina"),
    ("TOKYOSTANDARDTIME", "Asia/Tokyo"),
    ("TOMSKSTANDARDTIME", "Asia/Tomsk"),
    ("TONGASTANDARDTIME", "Pacific/Tongatapu"),
    ("TRANSBAIKALSTANDARDTIME", "Asia/Chita"),
    ("TURKEYSTANDARDTIME", "Europe/Istanbul"),
    ("TURKSANDCAICOSSTANDARDTIME", "America/Grand_Turk"),
    ("ULAANBAATARSTANDARDTIME", "Asia/Ulaanbaatar"),
    ("USEASTERNSTANDARDTIME", "America/Indiana/Indianapolis"),
    ("USMOUNTAINSTANDARDTIME", "America/Phoenix"),
    ("UTC", "Etc/UTC"),
    ("UTC+12", "Etc/GMT-12"),
    ("UTC+13", "Etc/GMT-13"),
    ("UTC02", "Etc/GMT+2"),
    ("UTC08", "Etc/GMT+8"),
    ("UTC09", "Etc/GMT+9"),
    ("UTC11", "Etc/GMT+11"),
    ("VENEZUELASTANDARDTIME", "America/Caracas"),
    ("VLADIVOSTOKSTANDARDTIME", "Asia/Vladivostok"),
    ("VOLGOGRADSTANDARDTIME", "Europe/Volgograd"),
    ("WAUSTRALIASTANDARDTIME", "Australia/Perth"),
    ("WCENTRALAFRICASTANDARDTIME", "Africa/Lagos"),
    ("WESTASIASTANDARDTIME", "Asia/Tashkent"),
    ("WESTBANKSTANDARDTIME", "Asia/Hebron"),
    ("WESTPACIFICSTANDARDTIME", "Pacific/Port_Moresby"),
    ("WEUROPESTANDARDTIME", "Europe/Berlin"),
    ("WMONGOLIASTANDARDTIME", "Asia/Hovd"),
    ("YAKUTSKSTANDARDTIME", "Asia/Yakutsk"),
    ("YUKONSTANDARDTIME", "America/Whitehorse"),
];

/// How long after its hour the digest of an evening is still sent past midnight: two ticks and what a queue
/// may take.
const DIGEST_LATE_MAX: SignedDuration = SignedDuration::from_mins(60);

/// A time-zone name that is not known.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "the time zone `{name}` is not known: set `time_zone` in the policy file to the organisation's zone, \
     for example Australia/Adelaide"
)]
pub struct UnknownZone {
    /// The name as it came.
    pub name: String,
}

/// The IANA zone of a Xero time-zone name.
///
/// # Errors
/// [`UnknownZone`] for any name outside Xero's enumeration: a person must say which zone it is, since a
/// guess would shift every day of the books.
pub fn zone_of_xero(name: &str) -> Result<&'static str, UnknownZone> {
    XERO_ZONES
        .iter()
        .find(|(xero, _)| *xero == name)
        .map(|(_, zone)| *zone)
        .ok_or_else(|| UnknownZone { name: name.to_owned() })
}

/// A span of the local day in which nobody is to be disturbed; it may run over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QuietHours {
    /// Local time at which quiet begins.
    pub from: Time,
    /// Local time at which it ends. Equal to `from`: there are no quiet hours.
    pub until: Time,
}

/// Turns instants into the org's days and local times, and back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrgClock {
    zone: TimeZone,
}

impl OrgClock {
    /// The clock of an IANA zone such as `Australia/Adelaide`.
    ///
    /// # Errors
    /// [`UnknownZone`] when the time-zone data, which are part of the program, don't have it.
    pub fn new(zone: &str) -> Result<Self, UnknownZone> {
        TimeZoneDatabase::bundled()
            .get(zone)
            .map(|zone| Self { zone })
            .map_err(|_| UnknownZone { name: zone.to_owned() })
    }

    /// The clock of an org: the zone that a person set, else the one that Xero names.
    ///
    /// # Errors
    /// [`UnknownZone`] when the one that counts isn't known.
    pub fn of_org(set: Option<&str>, xero_name: &str) -> Result<Self, UnknownZone> {
        match set {
            Some(zone) => Self::new(zone),
            None => Self::new(zone_of_xero(xero_name)?),
        }
    }

    /// The zone's IANA name.
    pub fn zone_name(&self) -> &str {
        self.zone.iana_name().unwrap_or("unnamed")
    }

    /// Local date and time at an instant.
    pub fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }

    /// The instant in the org's zone.
    pub fn zoned(&self, at: Timestamp) -> jiff::Zoned {
        at.to_zoned(self.zone.clone())
    }

    /// The civil day at an instant.
    pub fn day_of(&self, at: Timestamp) -> Date {
        self.local(at).date()
    }

    /// The instant at which the local clock shows `time` on `day`; when clocks go back, the first of the
    /// two; when they go forward over it, as much later as the clock was moved. `None` outside the years
    /// that timestamps cover (−9999 to 9999).
    pub fn instant_at(&self, day: Date, time: Time) -> Option<Timestamp> {
        self.zone.to_ambiguous_timestamp(day.to_datetime(time)).compatible().ok()
    }

    /// The day whose digest is due now: today, once the local time has come and unless it (or a later
    /// one) was sent already. Missed days are not made up for, since a digest tells of the present; only a
    /// tick that comes just after midnight still serves the evening before.
    pub fn digest_due(&self, last_sent: Option<Date>, now: Timestamp, hour: Time) -> Option<Date> {
        let local = self.local(now);
        let today = local.date();
        let day = if local.time() >= hour {
            today
        } else {
            let yesterday = today.yesterday().ok()?;
            let late = now.duration_since(self.instant_at(yesterday, hour)?);
            (late < DIGEST_LATE_MAX).then_some(yesterday)?
        };
        last_sent.is_none_or(|sent| sent < day).then_some(day)
    }

    /// Whether `now` lies in the quiet hours.
    pub fn is_quiet(&self, now: Timestamp, quiet: QuietHours) -> bool {
        let time = self.local(now).time();
        if quiet.from <= quiet.until {
            quiet.from <= time && time < quiet.until
        } else {
            quiet.from <= time || time < quiet.until
        }
    }

    /// When the quiet hours that hold now end; `None` when it isn't quiet.
    pub fn quiet_until(&self, now: Timestamp, quiet: QuietHours) -> Option<Timestamp> {
        if !self.is_quiet(now, quiet) {
            return None;
        }
        let local = self.local(now);
        let day =
            if local.time() < quiet.until { local.date() } else { local.date().checked_add(1.day()).ok()? };
        let ends = self.zone.to_ambiguous_timestamp(day.to_datetime(quiet.until));
        // In the hour that a clock set back repeats, the first such moment may be over.
        ends.earlier().ok().filter(|ends| *ends > now).or_else(|| ends.later().ok())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::{date, time};

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_zone_that_xero_can_send_is_in_the_time_zone_data() {
        for (xero, zone) in XERO_ZONES {
            assert_eq!(zone_of_xero(xero), Ok(zone));
            assert_eq!(OrgClock::of_org(None, xero).unwrap().zone_name(), zone, "{xero}");
        }
        assert!(XERO_ZONES.is_sorted());
    }

    #[test]
    fn offsets_in_january_are_the_ones_that_the_windows_names_stand_for() {
        let cases = [
            ("AUSEASTERNSTANDARDTIME", 11 * 60),
            ("CENAUSTRALIASTANDARDTIME", 10 * 60 + 30),
            ("INDIASTANDARDTIME", 5 * 60 + 30),
            ("NEPALSTANDARDTIME", 5 * 60 + 45),
            ("NEWZEALANDSTANDARDTIME", 13 * 60),
            ("GMTSTANDARDTIME", 0),
            ("UTC02", -2 * 60),
            ("UTC11", -11 * 60),
            ("UTC+12", 12 * 60),
            ("UTC+13", 13 * 60),
            ("DATELINESTANDARDTIME", -12 * 60),
            ("MIDATLANTICSTANDARDTIME", -2 * 60),
            ("CENTRALASIASTANDARDTIME", 6 * 60),
            ("PACIFICSTANDARDTIME", -8 * 60),
            ("CHATHAMISLANDSSTANDARDTIME", 13 * 60 + 45),
        ];
        for (xero, minutes) in cases {
            let clock = OrgClock::of_org(None, xero).unwrap();
            let offset = clock.zone.to_offset(at("2026-01-15T00:00:00Z"));
            assert_eq!(offset.seconds(), minutes * 60, "{xero}");
        }
    }

    #[test]
    fn an_unknown_zone_is_asked_about_and_never_taken_for_utc() {
        let error = OrgClock::of_org(None, "LUNARSTANDARDTIME").unwrap_err();
        assert!(error.to_string().contains("`LUNARSTANDARDTIME`") && error.to_string().contains("time_zone"));
        assert_eq!(
            OrgClock::of_org(Some("Asia/Tokyo"), "LUNARSTANDARDTIME").unwrap().zone_name(),
            "Asia/Tokyo"
        );
        assert!(OrgClock::new("Mars/Olympus").is_err());
        assert!(zone_of_xero("").is_err());
    }

    #[test]
    fn the_day_is_the_orgs() {
        let adelaide = OrgClock::new("Australia/Adelaide").unwrap();
        assert_eq!(adelaide.day_of(at("2026-11-22T13:29:59Z")), date(2026, 11, 22));
        assert_eq!(adelaide.day_of(at("2026-11-22T13:30:00Z")), date(2026, 11, 23));
    }

    #[test]
    fn clock_changes_move_no_appointment_out_of_its_day() {
        let london = OrgClock::new("Europe/London").unwrap();
        let cases = [
            (date(2026, 3, 29), time(8, 0, 0, 0), "2026-03-29T07:00:00Z"),
            (date(2026, 3, 29), time(1, 30, 0, 0), "2026-03-29T01:30:00Z"),
            (date(2026, 10, 25), time(1, 30, 0, 0), "2026-10-25T00:30:00Z"),
            (date(2026, 10, 25), time(8, 0, 0, 0), "2026-10-25T08:00:00Z"),
        ];
        for (day, hour, expected) in cases {
            assert_eq!(london.instant_at(day, hour), Some(at(expected)), "{day} {hour}");
        }
    }

    #[test]
    fn quiet_hours_run_over_midnight_and_end() {
        let paris = OrgClock::new("Europe/Paris").unwrap();
        let night = QuietHours { from: time(21, 0, 0, 0), until: time(7, 0, 0, 0) };
        let cases = [
            ("2026-11-22T19:59:59Z", None),
            ("2026-11-22T20:00:00Z", Some("2026-11-23T06:00:00Z")),
            ("2026-11-23T05:59:59Z", Some("2026-11-23T06:00:00Z")),
            ("2026-11-23T06:00:00Z", None),
            // the night in which clocks go forward is an hour shorter
            ("2026-03-28T22:00:00Z", Some("2026-03-29T05:00:00Z")),
        ];
        for (now, expected) in cases {
            assert_eq!(paris.quiet_until(at(now), night), expected.map(at), "{now}");
            assert_eq!(paris.is_quiet(at(now), night), expected.is_some(), "{now}");
        }
        let never = QuietHours { from: time(0, 0, 0, 0), until: time(0, 0, 0, 0) };
        assert_eq!(paris.quiet_until(at("2026-11-22T23:00:00Z"), never), None);
        // in the repeated hour the end that is still to come counts
        let until_half_past_two = QuietHours { from: time(22, 0, 0, 0), until: time(2, 30, 0, 0) };
        assert_eq!(
            paris.quiet_until(at("2026-10-25T01:10:00Z"), until_half_past_two),
            Some(at("2026-10-25T01:30:00Z"))
        );
    }

    /// Ticks every 15 minutes for a year, in every twelfth zone and those with the oddest rules: each local
    /// day gets one digest, in order, never before its hour and at most one tick after it.
    #[test]
    fn ticks_of_a_year_bring_each_days_digest_once() {
        let odd = [
            "Africa/Casablanca",
            "America/St_Johns",
            "Antarctica/Troll",
            "Asia/Kathmandu",
            "Australia/Adelaide",
            "Australia/Lord_Howe",
            "Pacific/Chatham",
        ];
        let zones = TimeZoneDatabase::bundled();
        let sampled = zones.available().map(|name| name.as_str().to_owned()).step_by(12);
        let tick = SignedDuration::from_mins(15);
        // an hour more than the year, for digests of its last evening that come just after midnight
        let (start, end) = (at("2026-01-01T00:00:00Z"), at("2027-01-01T01:00:00Z"));
        let morning = time(8, 0, 0, 0);
        let evenings = [time(23, 44, 0, 0), time(23, 46, 0, 0), time(23, 59, 0, 0)];
        let late = odd.iter().flat_map(|name| evenings.map(|hour| ((*name).to_owned(), hour)));
        let early = odd.map(str::to_owned).into_iter().chain(sampled).map(|name| (name, morning));
        for (name, hour) in early.chain(late) {
            let clock = OrgClock::new(&name).unwrap();
            let mut last = None;
            let mut now = start;
            let mut sent = 0;
            while now < end {
                if let Some(day) = clock.digest_due(last, now, hour) {
                    if let Some(before) = last {
                        assert_eq!(
                            day.yesterday().unwrap(),
                            before,
                            "{name}: a day without or with two digests"
                        );
                        let due = clock.instant_at(day, hour).unwrap();
                        assert!(now >= due && now.duration_since(due) < tick, "{name} {day}: {now}");
                    }
                    last = Some(day);
                    sent += 1;
                }
                now += tick;
            }
            assert!((365..=366).contains(&sent), "{name}: {sent} digests");
        }
    }
}
