//! Cuts a long JSON list into its elements while it arrives, so that only one element is held at a time.

use jiff::Timestamp;

use crate::date::parse_instant;

/// The longest single element, in bytes. An item is below 20 kB even with its longest texts.
const ELEMENT_BYTES_MAX: usize = 1024 * 1024;

/// Finds the elements of the list called `name` within an object, from bytes in pieces of any size.
///
/// It follows brackets and strings only; each element is then read by a JSON parser, which finds whatever is wrong
/// inside. What is wrong between the elements is found by [`finish`](Self::finish) or ignored.
pub(crate) struct ElementSplitter {
    /// The list's name with its quotes.
    name: Vec<u8>,
    /// How many objects and lists are open.
    depth: usize,
    in_string: bool,
    escaped: bool,
    /// The last string directly within the outer object, with its quotes.
    label: Vec<u8>,
    /// Whether that string stands behind the name of the answer's instant.
    is_instant: bool,
    /// Xero's clock at the time of the answer, as written.
    answered_at: Option<Vec<u8>>,
    /// Whether the list itself is open.
    in_list: bool,
    list_seen: bool,
    /// The bytes of the element that is open.
    element: Vec<u8>,
    complete: bool,
}

/// The answer is not an object with the list in it, or an element can't be read.
#[derive(Debug)]
pub(crate) struct SplitError(pub(crate) String);

/// The depth within the outer object.
const OUTER: usize = 1;
/// The name of the answer's instant, with its quotes.
const ANSWERED_AT: &[u8] = b"\"DateTimeUTC\"";
/// The depth within the list.
const LIST: usize = 2;

impl ElementSplitter {
    pub(crate) fn new(name: &str) -> Self {
        Self {
            name: format!("\"{name}\"").into_bytes(),
            depth: 0,
            in_string: false,
            escaped: false,
            label: Vec::new(),
            is_instant: false,
            answered_at: None,
            in_list: false,
            list_seen: false,
            element: Vec::new(),
            complete: false,
        }
    }

    /// Takes the next bytes and hands over each element that they complete.
    pub(crate) fn push(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), SplitError>,
    ) -> Result<(), SplitError> {
        while !bytes.is_empty() {
            // Whole runs at once: only quotes, escapes and brackets mean anything here.
            let plain = match (self.in_string, self.escaped) {
                (true, true) => Some(0),
                (true, false) => bytes.iter().position(|byte| matches!(byte, b'"' | b'\\')),
                (false, _) => bytes.iter().position(|byte| matches!(byte, b'"' | b'{' | b'}' | b'[' | b']')),
            };
            let (before, rest) = bytes.split_at(plain.unwrap_or(bytes.len()));
            if !self.in_string && self.depth == 0 && !before.iter().all(u8::is_ascii_whitespace) {
                return Err(broken());
            }
            self.keep(before)?;
            let Some((&mark, rest)) = rest.split_first() else { return Ok(()) };
            bytes = rest;
            if self.mark(mark)? {
                each(&self.element)?;
                self.element.clear();
            }
        }
        Ok(())
    }

    /// Takes a byte that means something; `true` if it completes an element.
    fn mark(&mut self, byte: u8) -> Result<bool, SplitError> {
        if self.in_string {
            self.keep(&[byte])?;
            if self.escaped {
                self.escaped = false;
            } else {
                self.escaped = byte == b'\\';
                self.in_string = byte != b'"';
                if !self.in_string && self.depth == OUTER && self.is_instant {
                    self.answered_at = Some(self.label.clone());
                }
            }
            return Ok(false);
        }
        if self.complete || (self.depth == 0 && byte != b'{') {
            return Err(broken());
        }
        match byte {
            b'"' => {
                self.in_string = true;
                if self.depth == OUTER {
                    self.is_instant = self.label == ANSWERED_AT;
                }
                self.label.clear();
                self.keep(&[byte])?;
            }
            b'{' | b'[' => {
                if self.depth == OUTER && byte == b'[' && self.label == self.name {
                    self.in_list = true;
                    self.list_seen = true;
                }
                self.depth += 1;
                self.keep(&[byte])?;
            }
            _ => {
                self.keep(&[byte])?;
                self.depth = self.depth.checked_sub(1).ok_or_else(broken)?;
                match self.depth {
                    0 => self.complete = true,
                    OUTER => self.in_list = false,
                    LIST => return Ok(self.in_list),
                    _ => {}
                }
            }
        }
        Ok(false)
    }

    /// Keeps bytes of a label or of the open element.
    fn keep(&mut self, bytes: &[u8]) -> Result<(), SplitError> {
        let kept = match self.depth {
            OUTER if self.in_string => &mut self.label,
            depth if depth > LIST && self.in_list => &mut self.element,
            _ => return Ok(()),
        };
        if kept.len() + bytes.len() > ELEMENT_BYTES_MAX {
            return Err(SplitError(format!("one element is longer than {ELEMENT_BYTES_MAX} bytes")));
        }
        kept.extend_from_slice(bytes);
        Ok(())
    }

    /// Checks that the answer came whole and held the list; gives Xero's clock at the time of the answer, if it said
    /// so.
    pub(crate) fn finish(&self) -> Result<Option<Timestamp>, SplitError> {
        match (self.complete, self.list_seen) {
            (true, true) => {
                let text: Option<String> =
                    self.answered_at.as_deref().and_then(|written| serde_json::from_slice(written).ok());
                Ok(text.as_deref().and_then(parse_instant))
            }
            (false, _) => Err(SplitError("it ends too early".to_owned())),
            (true, false) => Err(SplitError("the list is missing".to_owned())),
        }
    }
}

fn broken() -> SplitError {
    SplitError("it is not a JSON object".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(pieces: &[&[u8]]) -> Result<Vec<String>, SplitError> {
        let mut splitter = ElementSplitter::new("Items");
        let mut elements = Vec::new();
        for piece in pieces {
            splitter.push(piece, |element| {
                elements.push(String::from_utf8(element.to_vec()).unwrap());
                Ok(())
            })?;
        }
        splitter.finish()?;
        Ok(elements)
    }

    #[test]
    fn elements_come_whole_whatever_surrounds_them() {
        let body = br#" {"Id":"x","Other":[{"a":1}],"pagination":{"page":1},
            "Items" : [ {"Code":"a]}\"{","P":{"U":[1,2]}} , {"Code":"Items"} ], "Status":"OK"} "#;
        assert_eq!(split(&[body]).unwrap(), [r#"{"Code":"a]}\"{","P":{"U":[1,2]}}"#, r#"{"Code":"Items"}"#]);
        assert_eq!(split(&[br#"{"Items":[]}"#]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn xeros_own_time_is_read_from_the_answer_alone() {
        let at = |body: &[u8]| {
            let mut splitter = ElementSplitter::new("Items");
            for piece in body.chunks(3) {
                splitter.push(piece, |_| Ok(())).unwrap();
            }
            splitter.finish().unwrap().map(Timestamp::as_second)
        };
        assert_eq!(
            at(br#"{"Id":"x","DateTimeUTC":"\/Date(1772323200000)\/","Items":[]}"#),
            Some(1_772_323_200)
        );
        assert_eq!(at(br#"{"Items":[],"DateTimeUTC" : "2026-03-01T00:00:00"}"#), Some(1_772_323_200));
        for none in [
            &br#"{"Items":[{"DateTimeUTC":"2026-03-01T00:00:00"}]}"#[..],
            br#"{"DateTimeUTC":null,"Items":[],"Id":"2026"}"#,
            br#"{"DateTimeUTC":"soon","Items":[]}"#,
        ] {
            assert_eq!(at(none), None, "{}", String::from_utf8_lossy(none));
        }
    }

    #[test]
    fn a_cut_or_foreign_answer_is_an_error() {
        for body in [
            &b""[..],
            b"{",
            br#"{"Items":[{"Code":"a"}"#,
            br#"{"Items":[{"Code":"a"}]"#,
            br#"{"Status":"OK"}"#,
            br#"[{"Code":"a"}]"#,
            b"<html>",
            br#"{"Items":[]}}"#,
            br#"{"Items":null}"#,
        ] {
            assert!(split(&[body]).is_err(), "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn an_endless_element_is_refused() {
        let mut body = br#"{"Items":[{"Code":""#.to_vec();
        body.resize(body.len() + ELEMENT_BYTES_MAX + 1, b'a');
        assert!(split(&[&body]).unwrap_err().0.contains("longer"));
    }

    proptest! {
        #[test]
        fn any_pieces_give_the_same_elements(
            texts in prop::collection::vec("[a-c\\[\\]{}\"\\\\,:é]{0,12}", 0..6),
            size in 1_usize..9,
        ) {
            let elements: Vec<String> =
                texts.iter().map(|text| serde_json::json!({"Code": text, "D": [{"x": text}]}).to_string()).collect();
            let body = format!(r#"{{"A":["Items"],"Items":[{}],"Z":{{"Items":[{{"no":1}}]}}}}"#, elements.join(" ,\n"));
            let pieces: Vec<&[u8]> = body.as_bytes().chunks(size).collect();
            prop_assert_eq!(split(&pieces).unwrap(), elements);
        }
    }
}
