//! For tests: reads a mail back from its bytes, as far as our own mails go.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use parstock_app::ports::Mail;

/// A part without parts of its own: its headers, by their names in lower case, and its body as it travels.
struct Part<'e> {
    headers: BTreeMap<String, String>,
    body: &'e str,
}

/// Reads a mail.
pub(crate) fn read(eml: &str) -> Mail {
    let whole = part(eml);
    let parts = leaves(eml);
    let text = |kind: &str| {
        let found = parts.iter().find(|part| part.headers["content-type"].starts_with(kind)).unwrap();
        // lines end in CRLF on their way
        String::from_utf8(found.content()).unwrap().replace("\r\n", "\n")
    };
    let pictures = parts.iter().filter_map(|part| {
        let name = between(part.headers.get("content-id")?, '<', '>').next()?;
        Some((name.to_owned(), part.content()))
    });
    let message_id = whole.headers["x-parstock-message-id"].clone();
    assert_eq!(whole.headers["message-id"], format!("<{message_id}>"));
    Mail {
        to: between(&whole.headers["to"], '<', '>').map(str::to_owned).collect(),
        subject: without_encoded_words(&whole.headers["subject"]),
        html: text("text/html"),
        text: text("text/plain"),
        pictures: pictures.collect(),
        message_id,
    }
}

fn part(text: &str) -> Part<'_> {
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let unfolded = head.replace("\r\n\t", " ").replace("\r\n ", " ");
    let headers = unfolded.lines().map(|line| line.split_once(':').unwrap());
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.trim().to_owned())).collect();
    Part { headers, body }
}

fn leaves(text: &str) -> Vec<Part<'_>> {
    let part = part(text);
    let kind = &part.headers["content-type"];
    if !kind.starts_with("multipart/") {
        return vec![part];
    }
    let boundary = kind.split_once("boundary=\"").unwrap().1.split('"').next().unwrap();
    // the first piece stands before the first part, the last behind the closing boundary
    let mut pieces: Vec<&str> = part.body.split(&format!("--{boundary}")).skip(1).collect();
    assert!(pieces.pop().unwrap().starts_with("--"), "{text}");
    let pieces = pieces.into_iter().map(|piece| piece.strip_prefix("\r\n").unwrap());
    pieces.map(|piece| piece.strip_suffix("\r\n").unwrap()).flat_map(leaves).collect()
}

impl Part<'_> {
    fn content(&self) -> Vec<u8> {
        match self.headers.get("content-transfer-encoding").map_or("7bit", String::as_str) {
            "base64" => BASE64.decode(self.body.replace("\r\n", "")).unwrap(),
            "quoted-printable" => unquoted(&self.body.replace("=\r\n", "")),
            "7bit" => self.body.as_bytes().to_vec(),
            other => panic!("{other} is no encoding of ours"),
        }
    }
}

/// Bytes of which some are written as `=` with two digits.
fn unquoted(text: &str) -> Vec<u8> {
    let mut pieces = text.split('=');
    let mut bytes = pieces.next().unwrap().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at(2);
        bytes.push(u8::from_str_radix(digits, 16).unwrap());
        bytes.extend(rest.bytes());
    }
    bytes
}

/// A header's text in place of its encoded words (RFC 2047); blanks between two of them don't count.
fn without_encoded_words(header: &str) -> String {
    let mut text = String::new();
    for (at, piece) in header.replace("?= =?", "?==?").split("=?").enumerate() {
        if at == 0 {
            text.push_str(piece);
            continue;
        }
        let (word, rest) = piece.split_once("?=").unwrap();
        let fields: Vec<&str> = word.splitn(3, '?').collect();
        let bytes = match fields[1] {
            "B" => BASE64.decode(fields[2]).unwrap(),
            "Q" => unquoted(&fields[2].replace('_', " ")),
            other => panic!("{other} is no encoding of words"),
        };
        text.push_str(&String::from_utf8(bytes).unwrap());
        text.push_str(rest);
    }
    text
}

fn between(text: &str, open: char, close: char) -> impl Iterator<Item = &str> {
    text.split(open).skip(1).filter_map(move |piece| Some(piece.split_once(close)?.0))
}
