//! What the letters of a PDF's fonts mean, as far as numbers of papers and codes of items are written with them.
//!
//! A font says it in a table of its own (`ToUnicode`), or by the name of its encoding and what differs from it. Letters that
//! neither says mean nothing.

use std::collections::BTreeMap;

use lopdf::{Dictionary, Document, Object};

/// Bytes that a font's table may have when it is unpacked.
const TABLE_BYTES_MAX: usize = 256 * 1024;
/// Parts (UTF-16) of what one letter means.
const PARTS_MAX: usize = 8;
/// What stands for a letter that means nothing.
const UNKNOWN: char = '\u{fffd}';

/// Names of letters that are not themselves. Source: Adobe Glyph List.
const NAMES: [(&str, char); 24] = [
    ("space", ' '),
    ("zero", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("hyphen", '-'),
    ("minus", '-'),
    ("endash", '-'),
    ("emdash", '-'),
    ("period", '.'),
    ("comma", ','),
    ("colon", ':'),
    ("slash", '/'),
    ("underscore", '_'),
    ("numbersign", '#'),
    ("plus", '+'),
    ("parenleft", '('),
    ("parenright", ')'),
];

/// What the letters of a font mean.
pub(super) struct Meanings {
    /// Whether a letter has two bytes.
    is_wide: bool,
    /// What the font's table says, by letter.
    table: BTreeMap<u32, String>,
    /// What differs from the usual, of letters with one byte.
    differences: BTreeMap<u8, char>,
}

impl Meanings {
    /// Those of a font. `codes` is how many letters may still be kept.
    pub(super) fn of(document: &Document, font: &Dictionary, is_wide: bool, codes: &mut u32) -> Self {
        let table = font.get(b"ToUnicode").and_then(|table| document.dereference(table)).ok();
        let table = table.and_then(|(_, table)| table.as_stream().ok());
        let table = table.and_then(|table| table.get_plain_content_with_limit(TABLE_BYTES_MAX).ok());
        let encoding = font.get(b"Encoding").and_then(|encoding| document.dereference(encoding)).ok();
        let differences =
            encoding.and_then(|(_, encoding)| encoding.as_dict().ok()?.get(b"Differences").ok());
        let differences = differences.and_then(|named| document.dereference(named).ok()?.1.as_array().ok());
        Self {
            is_wide,
            table: table.map(|table| read_table(&table, codes)).unwrap_or_default(),
            differences: differences.map(|named| read_differences(named)).unwrap_or_default(),
        }
    }

    /// Adds what a string of the font means to a text.
    pub(super) fn read(&self, bytes: &[u8], text: &mut String) {
        if self.is_wide {
            for pair in bytes.chunks(2) {
                let code = pair.iter().fold(0, |code, byte| code << 8 | u32::from(*byte));
                text.extend(self.table.get(&code).map(String::as_str));
            }
            return;
        }
        for byte in bytes {
            match (self.table.get(&u32::from(*byte)), self.differences.get(byte)) {
                (Some(meaning), _) => text.push_str(meaning),
                (None, Some(letter)) => text.push(*letter),
                // as WinAnsiEncoding has dashes and quotes, and Latin-1 else
                (None, None) => text.push(match byte {
                    0x91..=0x94 => '\'',
                    0x96 | 0x97 => '-',
                    0x80..=0x9f => UNKNOWN,
                    byte => char::from(*byte),
                }),
            }
        }
    }
}

/// Runs of `first name name …`.
fn read_differences(named: &[Object]) -> BTreeMap<u8, char> {
    let (mut differences, mut at) = (BTreeMap::new(), 0u8);
    for object in named.iter().take(2 * usize::from(u8::MAX)) {
        match object {
            Object::Integer(first) => at = u8::try_from(*first).unwrap_or(at),
            Object::Name(name) => {
                differences.insert(at, letter_named(name));
                at = at.wrapping_add(1);
            }
            _ => {}
        }
    }
    differences
}

fn letter_named(name: &[u8]) -> char {
    let name = std::str::from_utf8(name).unwrap_or_default();
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return letter;
    }
    let by_number = name.strip_prefix("uni").and_then(|digits| u32::from_str_radix(digits, 16).ok());
    let named = NAMES.iter().find(|(known, _)| *known == name).map(|(_, letter)| *letter);
    named.or(by_number.and_then(char::from_u32)).unwrap_or(UNKNOWN)
}

/// A value in a font's table.
enum Value {
    /// A number of bytes in hexadecimal digits.
    Hex(Vec<u8>),
    /// Several.
    List(Vec<Vec<u8>>),
}

/// The letters of a font's table (`CMap`), as many as may be kept: single ones, and ranges, of which four bytes can say one of four
/// billion.
fn read_table(table: &[u8], codes: &mut u32) -> BTreeMap<u32, String> {
    let mut meanings = BTreeMap::new();
    for section in sections(table, b"beginbfchar", b"endbfchar") {
        let mut values = values(section).into_iter();
        while let (Some(Value::Hex(code)), Some(Value::Hex(meaning))) = (values.next(), values.next()) {
            let Some(left) = codes.checked_sub(1) else { return meanings };
            *codes = left;
            meanings.insert(number(&code), meaning_of(&meaning, 0));
        }
    }
    for section in sections(table, b"beginbfrange", b"endbfrange") {
        let mut values = values(section).into_iter();
        while let (Some(Value::Hex(first)), Some(Value::Hex(last)), Some(meaning)) =
            (values.next(), values.next(), values.next())
        {
            let (first, last) = (number(&first), number(&last));
            let Some(left) = last.checked_sub(first).and_then(|further| codes.checked_sub(further)) else {
                return meanings;
            };
            *codes = left.saturating_sub(1);
            match meaning {
                Value::Hex(meaning) => {
                    for code in first..=last {
                        meanings.insert(code, meaning_of(&meaning, code.wrapping_sub(first)));
                    }
                }
                Value::List(each) => {
                    meanings.extend((first..=last).zip(each.iter().map(|meaning| meaning_of(meaning, 0))));
                }
            }
        }
    }
    meanings
}

/// What lies between two words, each time.
fn sections<'t>(table: &'t [u8], begin: &[u8], end: &[u8]) -> Vec<&'t [u8]> {
    let find = |bytes: &[u8], word: &[u8]| bytes.windows(word.len()).position(|part| part == word);
    let (mut rest, mut found) = (table, Vec::new());
    while let Some(at) = find(rest, begin) {
        rest = rest.get(at.saturating_add(begin.len())..).unwrap_or_default();
        let (section, after) = rest.split_at(find(rest, end).unwrap_or(rest.len()));
        found.push(section);
        rest = after;
    }
    found
}

fn values(section: &[u8]) -> Vec<Value> {
    let (mut values, mut list, mut hex) = (Vec::new(), None, None);
    for byte in section {
        match (byte, &mut hex) {
            (b'<', _) => hex = Some(Vec::new()),
            (b'>', Some(digits)) => {
                let digits: Vec<u8> = std::mem::take(digits);
                let bytes =
                    digits.chunks(2).map(|pair| pair.iter().fold(0u8, |byte, digit| byte << 4 | digit));
                let bytes: Vec<u8> = bytes.collect();
                match &mut list {
                    Some(list) => Vec::push(list, bytes),
                    None => values.push(Value::Hex(bytes)),
                }
                hex = None;
            }
            (b'[', None) => list = Some(Vec::new()),
            (b']', None) => values.extend(list.take().map(Value::List)),
            (digit, Some(digits)) => {
                let digit = char::from(*digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
                digits.extend(digit);
            }
            _ => {}
        }
    }
    values
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

/// What UTF-16 says, its last part raised by so much.
fn meaning_of(bytes: &[u8], raised: u32) -> String {
    let mut parts: Vec<u16> = bytes
        .chunks(2)
        .take(PARTS_MAX)
        .map(|pair| pair.iter().fold(0u16, |part, byte| part << 8 | u16::from(*byte)))
        .collect();
    if let (Some(last), Ok(raised)) = (parts.last_mut(), u16::try_from(raised)) {
        *last = last.wrapping_add(raised);
    }
    String::from_utf16_lossy(&parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(table: &str) -> (Vec<(u32, String)>, u32) {
        let mut codes = 1_000;
        let meanings = read_table(table.as_bytes(), &mut codes);
        (meanings.into_iter().collect(), codes)
    }

    fn means(code: u32, meaning: &str) -> (u32, String) {
        (code, meaning.to_owned())
    }

    #[test]
    fn a_table_is_read_by_letters_ranges_and_lists() {
        let (meanings, left) = read(
            "1 begincodespacerange <0000> <FFFF> endcodespacerange
            2 beginbfchar <0003> <0020> <0010>\n<002D> endbfchar
            2 beginbfrange <0013> <0015> <0030> <0024> <0025> [<0041> <00660069>] endbfrange",
        );
        assert_eq!(
            meanings,
            [
                means(0x03, " "),
                means(0x10, "-"),
                means(0x13, "0"),
                means(0x14, "1"),
                means(0x15, "2"),
                means(0x24, "A"),
                means(0x25, "fi"),
            ]
        );
        assert_eq!(left, 993);
        assert_eq!(read("1 beginbfchar <01> <D83DDE00> endbfchar").0, [means(1, "\u{1f600}")]);
    }

    /// A kilobyte can say four billion letters.
    #[test]
    fn a_table_of_too_many_letters_is_read_no_further() {
        for range in ["<00000000> <FFFFFFFF> <0041>", "<0000> <03E9> <0041>", "<0009> <0001> <0041>"] {
            let (meanings, _) =
                read(&format!("1 beginbfchar <01> <0042> endbfchar 1 beginbfrange {range} endbfrange"));
            assert_eq!(meanings, [means(1, "B")], "{range}");
        }
        let damaged = read("beginbfrange <00 [ <zz> ] <<>> beginbfchar <01> endbfrange endbfchar");
        assert!(damaged.0.len() <= 1, "{damaged:?}");
    }

    #[test]
    fn letters_of_one_byte_are_what_differs_and_else_as_usual() {
        let name = |name: &str| Object::Name(name.as_bytes().to_vec());
        let named =
            [Object::Integer(1), name("P"), name("nine"), name("hyphen"), name("uni0041"), name("g17")];
        let meanings = Meanings {
            is_wide: false,
            table: BTreeMap::from([(7, "table".to_owned())]),
            differences: read_differences(&named),
        };
        let mut text = String::new();
        meanings.read(b"\x01O\x03\x02\x96\x04\x05\x07\xe9", &mut text);
        assert_eq!(text, "PO-9-A\u{fffd}table\u{e9}");
    }
}
