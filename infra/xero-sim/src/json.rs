//! Writes JSON directly, numbers exactly as decimals: no float is ever involved.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::act::E4;

/// JSON being written.
#[derive(Debug, Default)]
pub(crate) struct Json {
    out: String,
}

impl Json {
    pub(crate) fn new() -> Json {
        Json::default()
    }

    pub(crate) fn into_string(self) -> String {
        self.out
    }

    /// A comma where one is needed: everything but the first of an object or array, and what follows its name.
    fn separate(&mut self) {
        if !matches!(self.out.as_bytes().last(), None | Some(b'{' | b'[' | b':')) {
            self.out.push(',');
        }
    }

    fn name(&mut self, name: &str) {
        self.separate();
        self.string(name);
        self.out.push(':');
    }

    fn string(&mut self, text: &str) {
        self.out.push('"');
        for c in text.chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\r' => self.out.push_str("\\r"),
                '\t' => self.out.push_str("\\t"),
                c if u32::from(c) < 0x20 => self.out.push_str(&format!("\\u{:04x}", u32::from(c))),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    /// An object as the whole, or as an element of an array.
    pub(crate) fn object(&mut self, fill: impl FnOnce(&mut Json)) {
        self.separate();
        self.out.push('{');
        fill(self);
        self.out.push('}');
    }

    pub(crate) fn nested(&mut self, name: &str, fill: impl FnOnce(&mut Json)) {
        self.name(name);
        self.object(fill);
    }

    pub(crate) fn array(&mut self, name: &str, fill: impl FnOnce(&mut Json)) {
        self.name(name);
        self.out.push('[');
        fill(self);
        self.out.push(']');
    }

    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.name(name);
        self.string(text);
    }

    pub(crate) fn texts(&mut self, name: &str, texts: &[&str]) {
        self.array(name, |all| {
            for text in texts {
                all.separate();
                all.string(text);
            }
        });
    }

    pub(crate) fn some_text(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    pub(crate) fn id(&mut self, name: &str, id: Uuid) {
        self.text(name, &id.to_string());
    }

    pub(crate) fn flag(&mut self, name: &str, flag: bool) {
        self.name(name);
        self.out.push_str(if flag { "true" } else { "false" });
    }

    pub(crate) fn count(&mut self, name: &str, count: usize) {
        self.name(name);
        self.out.push_str(&count.to_string());
    }

    /// A decimal at four places.
    pub(crate) fn four(&mut self, name: &str, value: E4) {
        self.name(name);
        self.out.push_str(&value.to_string());
    }

    /// A decimal rounded half up to two places.
    pub(crate) fn two(&mut self, name: &str, value: E4) {
        self.name(name);
        self.out.push_str(&value.to_money());
    }

    /// An exact decimal given in millionths.
    pub(crate) fn millionths(&mut self, name: &str, value: i64) {
        self.name(name);
        self.out.push_str(&format!("{}.{:06}", value / 1_000_000, (value % 1_000_000).unsigned_abs()));
    }

    /// An instant in milliseconds, in Microsoft's form with an offset.
    pub(crate) fn instant(&mut self, name: &str, milliseconds: i64) {
        self.text(name, &format!("/Date({milliseconds}+0000)/"));
    }

    /// A civil day in Microsoft's form: its midnight as if in UTC.
    pub(crate) fn day(&mut self, name: &str, day: Date) {
        let midnight = day.to_zoned(TimeZone::UTC).map_or(0, |zoned| zoned.timestamp().as_millisecond());
        self.instant(name, midnight);
    }

    /// A civil day in both of Xero's forms: Microsoft's and ISO 8601 under `...String`.
    pub(crate) fn day_twice(&mut self, name: &str, day: Option<Date>) {
        if let Some(day) = day {
            self.text(&format!("{name}String"), &format!("{day}T00:00:00"));
            self.day(name, day);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_exact_numbers_and_escaped_texts() {
        let mut json = Json::new();
        json.object(|o| {
            o.text("a", "x\"\\\n\u{1}é{");
            o.four("q", E4(-1));
            o.two("m", E4::parse("2.165").unwrap());
            o.array("l", |l| {
                l.object(|o| o.millionths("r", 937_053));
                l.object(|_| {});
            });
            o.day("d", jiff::civil::date(2019, 3, 12));
            o.flag("f", true);
        });
        assert_eq!(
            json.into_string(),
            r#"{"a":"x\"\\\n\u0001é{","q":-0.0001,"m":2.17,"l":[{"r":0.937053},{}],"d":"/Date(1552348800000+0000)/","f":true}"#
        );
    }
}
