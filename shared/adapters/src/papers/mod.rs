//! The text of PDFs that anybody may have made: within limits of bytes, pages, values and characters, on a thread of its own,
//! so that the worst of them is one that has no text.

mod font;

use std::cell::Cell;
use std::collections::BTreeMap;
use std::panic::{catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lopdf::content::Content;
use lopdf::{Dictionary, Document, LoadOptions, Object, ObjectId};
use tokio::sync::{Semaphore, oneshot};

use self::font::Meanings;

/// Bytes of a PDF that is read.
pub(crate) const BYTES_MAX: usize = 4 * 1024 * 1024;
/// Pages of one that are read.
const PAGES_MAX: usize = 20;
/// Characters of its text.
const TEXT_MAX: usize = 200_000;
/// Bytes that one stream may have when it is unpacked while the PDF is loaded.
const STREAM_BYTES_MAX: usize = 2 * 1024 * 1024;
/// Numbers, names, strings and the like that it may be made of.
const VALUES_MAX: usize = 1_000_000;
/// Bytes of a stream or a text that count as one of them.
const BYTES_PER_VALUE: usize = 64;
/// How deep values may lie in each other to be counted.
const DEEP_MAX: u32 = 64;
/// Operators of its pages that are looked at.
const OPERATORS_MAX: usize = 500_000;
/// States of setting text that are kept at once.
const STATES_MAX: usize = 64;
/// Bytes that a page or a form may have when it is unpacked: each of its values takes a hundred in memory.
const CONTENT_BYTES_MAX: usize = 512 * 1024;
/// Letters of all fonts of a PDF whose widths and meanings are kept.
const CODES_MAX: u32 = 200_000;
/// Fonts of a PDF.
const FONTS_MAX: usize = 100;
/// Letters of a font whose letters have one byte.
const NARROW_CODES_MAX: usize = 256;
/// How deep forms may lie in each other.
const FORMS_DEEP_MAX: u32 = 3;
/// How long reading may take. The thread ends by itself afterwards; nobody waits for it.
const TIME_MAX: Duration = Duration::from_secs(10);
/// PDFs that are read at the same time.
static READERS: Semaphore = Semaphore::const_new(2);

/// How much of its type size lies between two words at least.
const WORD_GAP: f32 = 0.17;
/// How much of its type size a line lies below the one before at least, or how far back the next one begins.
const LINE_GAP: f32 = 0.5;
/// Width of a letter whose font does not say it, in thousandths of the type size.
const USUAL_WIDTH: f32 = 550.0;
/// Operators that setting up a font counts as.
const FONT_OPERATORS: usize = 1_000;
/// Bytes of the reader's stack.
const STACK_BYTES: usize = 8 * 1024 * 1024;

/// Why there is no text, as what follows a paper's name.
const NO_TEXT: &str = "has no text that can be read";
const NO_PDF: &str = "is no PDF";
const LOCKED: &str = "is locked with a password";
const TOO_MUCH: &str = "has too much in it to be read";

/// Why a PDF was not looked at: it says nothing of the PDF.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Busy;

/// What is said of a PDF of more than [`BYTES_MAX`].
pub(crate) fn too_long() -> String {
    format!("is longer than {} MB", BYTES_MAX / 1024 / 1024)
}

/// What unwinds the reader where a PDF has too much in it.
struct TooMuch;

/// The text of a PDF, or why there is none, as what follows its name.
///
/// # Errors
/// [`Busy`] when others are being read for so long that it was not begun: try again later.
pub(crate) async fn text_of(pdf: Vec<u8>) -> Result<Result<String, &'static str>, Busy> {
    let Ok(Ok(permit)) = tokio::time::timeout(TIME_MAX, READERS.acquire()).await else {
        return Err(Busy);
    };
    let (sender, answer) = oneshot::channel();
    let given_up = Arc::new(AtomicBool::new(false));
    let is_given_up = Arc::clone(&given_up);
    let reader = std::thread::Builder::new().name("paper".to_owned()).stack_size(STACK_BYTES);
    let reader = reader.spawn(move || {
        let _permit = permit;
        let text = catch_unwind(|| read(&pdf, &is_given_up));
        let text = text.unwrap_or_else(|stop| Err(if stop.is::<TooMuch>() { TOO_MUCH } else { NO_TEXT }));
        // nobody waits any more for what took too long
        drop(sender.send(text));
    });
    Ok(match tokio::time::timeout(TIME_MAX, answer).await {
        Ok(Ok(text)) => text,
        Ok(Err(_)) if reader.is_err() => return Err(Busy),
        Ok(Err(_)) => Err(NO_TEXT),
        Err(_) => {
            given_up.store(true, Ordering::Relaxed);
            Err(TOO_MUCH)
        }
    })
}

fn read(pdf: &[u8], given_up: &AtomicBool) -> Result<String, &'static str> {
    if pdf.len() > BYTES_MAX {
        return Err(TOO_MUCH);
    }
    if !pdf.get(..pdf.len().min(1024)).is_some_and(|head| head.windows(5).any(|part| part == b"%PDF-")) {
        return Err(NO_PDF);
    }
    // what is locked is not loaded at all: its loading counts no values
    if has_name(pdf, b"Encrypt") {
        return Err(LOCKED);
    }
    LEFT.set(VALUES_MAX);
    let options = LoadOptions {
        filter: Some(counted),
        max_decompressed_size: Some(STREAM_BYTES_MAX),
        ..LoadOptions::default()
    };
    let document = Document::load_mem_with_options(pdf, options).map_err(|_| NO_TEXT)?;
    let mut pages = Pages {
        document: &document,
        text: String::new(),
        operators: OPERATORS_MAX,
        codes: CODES_MAX,
        fonts: BTreeMap::new(),
        given_up,
        pen: None,
    };
    for page in document.page_iter().take(PAGES_MAX) {
        let Ok((own, shared)) = document.get_page_resources(page) else { continue };
        let shared = shared.into_iter().filter_map(|id| document.get_dictionary(id).ok());
        let resources: Vec<&Dictionary> = own.into_iter().chain(shared).collect();
        if let Ok(content) = document.get_page_content_with_limit(page, CONTENT_BYTES_MAX) {
            pages.run(&content, &resources, State::default(), FORMS_DEEP_MAX);
        }
        (pages.pen, pages.text) = (None, pages.text + "\n");
    }
    if pages.text.trim().is_empty() { Err(NO_TEXT) } else { Ok(pages.text) }
}

/// Whether a name stands anywhere in a PDF, letters by their numbers (`#45`) included.
fn has_name(pdf: &[u8], name: &[u8]) -> bool {
    let starts = pdf.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    starts.into_iter().any(|at| {
        let mut rest = pdf.get(at.saturating_add(1)..).unwrap_or_default();
        let is_name = name.iter().all(|wanted| {
            let letter = match rest {
                [b'#', high, low, ..] => {
                    let digits = std::str::from_utf8(&[*high, *low]).ok().map(str::to_owned);
                    rest = rest.get(3..).unwrap_or_default();
                    digits.and_then(|digits| u8::from_str_radix(&digits, 16).ok())
                }
                [letter, ..] => {
                    rest = rest.get(1..).unwrap_or_default();
                    Some(*letter)
                }
                [] => None,
            };
            letter == Some(*wanted)
        });
        is_name && !rest.first().is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'#')
    })
}

thread_local! {
    /// Values that may still come while a PDF is being loaded by this thread.
    static LEFT: Cell<usize> = const { Cell::new(0) };
}

/// Counts an object that is being loaded, and stops the loading where there are too many.
fn counted(id: ObjectId, object: &mut Object) -> Option<(ObjectId, Object)> {
    let mut values = 0;
    count(object, DEEP_MAX, &mut values);
    let Some(left) = LEFT.get().checked_sub(values) else { resume_unwind(Box::new(TooMuch)) };
    LEFT.set(left);
    // only what comes out of an object stream is taken from here, and that is never a stream
    Some((id, if matches!(object, Object::Stream(_)) { Object::Null } else { object.clone() }))
}

fn count(object: &Object, deep: u32, values: &mut usize) {
    *values = values.saturating_add(1);
    let Some(deep) = deep.checked_sub(1) else { return };
    match object {
        Object::Array(items) => items.iter().for_each(|item| count(item, deep, values)),
        Object::Dictionary(entries) => entries.iter().for_each(|(_, value)| count(value, deep, values)),
        Object::Stream(stream) => {
            stream.dict.iter().for_each(|(_, value)| count(value, deep, values));
            *values = values.saturating_add(stream.content.len() / BYTES_PER_VALUE);
        }
        Object::String(bytes, _) | Object::Name(bytes) => {
            *values = values.saturating_add(bytes.len() / BYTES_PER_VALUE);
        }
        _ => {}
    }
}

/// A matrix of six numbers, as PDF has it.
#[derive(Clone, Copy)]
struct Matrix([f32; 6]);

impl Matrix {
    const NONE: Self = Self([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    fn read(operands: &[Object]) -> Option<Self> {
        let numbers: Vec<f32> = operands.iter().filter_map(number).collect();
        <[f32; 6]>::try_from(numbers).ok().map(Self)
    }

    /// First this, then another.
    fn then(self, other: Self) -> Self {
        let ([a, b, c, d, e, f], [g, h, i, j, k, l]) = (self.0, other.0);
        let (e, f) = (e * g + f * i + k, e * h + f * j + l);
        Self([a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e, f])
    }

    fn moved(self, right: f32, up: f32) -> Self {
        Self([1.0, 0.0, 0.0, 1.0, right, up]).then(self)
    }
}

fn number(object: &Object) -> Option<f32> {
    match object {
        #[expect(clippy::cast_precision_loss, reason = "where letters stand is no figure of the books")]
        Object::Integer(number) => Some(*number as f32),
        Object::Real(number) => Some(*number),
        _ => None,
    }
}

/// A font as far as its letters and their widths are concerned.
struct Font {
    meanings: Meanings,
    /// Whether a letter has two bytes.
    is_wide: bool,
    /// In thousandths of the type size.
    widths: BTreeMap<u32, f32>,
    other_width: f32,
}

/// How text is set.
#[derive(Clone)]
struct State {
    page: Matrix,
    text: Matrix,
    line: Matrix,
    font: Option<Rc<Font>>,
    size: f32,
    leading: f32,
    letter_space: f32,
    word_space: f32,
    stretch: f32,
}

impl Default for State {
    fn default() -> Self {
        Self {
            page: Matrix::NONE,
            text: Matrix::NONE,
            line: Matrix::NONE,
            font: None,
            size: 1.0,
            leading: 0.0,
            letter_space: 0.0,
            word_space: 0.0,
            stretch: 1.0,
        }
    }
}

impl State {
    fn next_line(&mut self, right: f32, up: f32) {
        self.line = self.line.moved(right, up);
        self.text = self.line;
    }
}

/// The pages of a PDF whose text is gathered.
struct Pages<'a> {
    document: &'a Document,
    text: String,
    /// How many more are looked at.
    operators: usize,
    /// How many more letters of fonts are kept.
    codes: u32,
    /// Those that were set up, by what they are in the PDF.
    fonts: BTreeMap<ObjectId, Option<Rc<Font>>>,
    /// Whether nobody waits for it any more.
    given_up: &'a AtomicBool,
    /// Where the last letter ended.
    pen: Option<(f32, f32)>,
}

impl<'a> Pages<'a> {
    /// Gathers the text that a page or a form shows.
    fn run(&mut self, content: &[u8], resources: &[&'a Dictionary], state: State, deep: u32) {
        let Ok(content) = Content::decode(content) else { return };
        let (mut state, mut kept) = (state, Vec::new());
        for operation in &content.operations {
            let Some(left) = self.operators.checked_sub(1) else { return };
            self.operators = left;
            if self.text.len() > TEXT_MAX || self.given_up.load(Ordering::Relaxed) {
                return;
            }
            let operands = operation.operands.as_slice();
            let numbers: Vec<f32> = operands.iter().filter_map(number).collect();
            match (operation.operator.as_str(), operands, numbers.as_slice()) {
                ("q", ..) if kept.len() < STATES_MAX => kept.push(state.clone()),
                ("Q", ..) => state = kept.pop().unwrap_or(state),
                ("cm", ..) => {
                    if let Some(matrix) = Matrix::read(operands) {
                        state.page = matrix.then(state.page);
                    }
                }
                ("BT", ..) => (state.text, state.line) = (Matrix::NONE, Matrix::NONE),
                ("Tm", ..) => {
                    if let Some(matrix) = Matrix::read(operands) {
                        (state.text, state.line) = (matrix, matrix);
                    }
                }
                ("Td", _, [right, up]) => state.next_line(*right, *up),
                ("TD", _, [right, up]) => {
                    state.leading = -up;
                    state.next_line(*right, *up);
                }
                ("T*", ..) => state.next_line(0.0, -state.leading),
                ("TL", _, [leading]) => state.leading = *leading,
                ("Tc", _, [space]) => state.letter_space = *space,
                ("Tw", _, [space]) => state.word_space = *space,
                ("Tz", _, [percent]) => state.stretch = percent / 100.0,
                ("Tf", [Object::Name(name), ..], [size, ..]) => {
                    state.size = *size;
                    state.font = self.font_named(name, resources);
                }
                ("Tj", [Object::String(bytes, _), ..], _) => self.show(&mut state, bytes),
                ("'", [Object::String(bytes, _), ..], _) => {
                    state.next_line(0.0, -state.leading);
                    self.show(&mut state, bytes);
                }
                ("\"", [_, _, Object::String(bytes, _)], [words, letters]) => {
                    (state.word_space, state.letter_space) = (*words, *letters);
                    state.next_line(0.0, -state.leading);
                    self.show(&mut state, bytes);
                }
                ("TJ", [Object::Array(parts), ..], _) => {
                    for part in parts {
                        match part {
                            Object::String(bytes, _) => self.show(&mut state, bytes),
                            part => {
                                let back = number(part).unwrap_or(0.0) / 1000.0 * state.size * state.stretch;
                                state.text = state.text.moved(-back, 0.0);
                            }
                        }
                    }
                }
                ("Do", [Object::Name(name), ..], _) => self.form(name, resources, &state, deep),
                _ => {}
            }
        }
    }

    /// What a resource is, and where it stands if it has a place of its own.
    fn resource(
        &self,
        resources: &[&'a Dictionary],
        kind: &[u8],
        name: &[u8],
    ) -> Option<(Option<ObjectId>, &'a Object)> {
        resources.iter().find_map(|resources| {
            let named = self.document.get_dict_in_dict(resources, kind).ok()?.get(name).ok()?;
            self.document.dereference(named).ok()
        })
    }

    fn form(&mut self, name: &[u8], resources: &[&'a Dictionary], state: &State, deep: u32) {
        let Some(deep) = deep.checked_sub(1) else { return };
        let Some((_, Object::Stream(form))) = self.resource(resources, b"XObject", name) else { return };
        if !form.dict.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Form") {
            return;
        }
        let content = form.get_plain_content_with_limit(CONTENT_BYTES_MAX);
        // unpacking counts, too, whatever comes of it: a page may show the same form ever again
        let unpacked = content.as_ref().map_or(CONTENT_BYTES_MAX, Vec::len);
        self.operators = self.operators.saturating_sub(unpacked / BYTES_PER_VALUE);
        let Ok(content) = content else { return };
        let own = self.document.get_dict_in_dict(&form.dict, b"Resources").ok();
        let resources: Vec<&Dictionary> = own.map_or_else(|| resources.to_vec(), |own| vec![own]);
        let matrix = form.dict.get(b"Matrix").and_then(Object::as_array).ok();
        let matrix = matrix.and_then(|matrix| Matrix::read(matrix)).unwrap_or(Matrix::NONE);
        let state = State { page: matrix.then(state.page), ..state.clone() };
        self.run(&content, &resources, state, deep);
    }

    /// The font of a name, set up once for each that the PDF has.
    fn font_named(&mut self, name: &[u8], resources: &[&'a Dictionary]) -> Option<Rc<Font>> {
        let (place, font) = self.resource(resources, b"Font", name)?;
        let Object::Dictionary(font) = font else { return None };
        if let Some(known) = place.and_then(|place| self.fonts.get(&place)) {
            return known.clone();
        }
        self.operators = self.operators.checked_sub(FONT_OPERATORS)?;
        if self.fonts.len() >= FONTS_MAX {
            return None;
        }
        let font = self.font(font).map(Rc::new);
        if let Some(place) = place {
            self.fonts.insert(place, font.clone());
        }
        font
    }

    fn font(&mut self, font: &'a Dictionary) -> Option<Font> {
        let is_wide = font.get(b"Subtype").and_then(Object::as_name).is_ok_and(|kind| kind == b"Type0");
        let meanings = Meanings::of(self.document, font, is_wide, &mut self.codes);
        let array = |holder: &'a Dictionary, key: &[u8]| {
            let value = holder.get(key).ok()?;
            self.document.dereference(value).ok()?.1.as_array().ok()
        };
        let mut widths = BTreeMap::new();
        if !is_wide {
            let first = font.get(b"FirstChar").ok().and_then(number).unwrap_or(0.0);
            let each = array(font, b"Widths").into_iter().flatten().take(NARROW_CODES_MAX);
            for (code, width) in (first as u32..).zip(each) {
                widths.extend(number(width).map(|width| (code, width)));
            }
            return Some(Font { meanings, is_wide, widths, other_width: USUAL_WIDTH });
        }
        let inner = array(font, b"DescendantFonts").and_then(|fonts| fonts.first());
        let inner = inner.and_then(|inner| self.document.dereference(inner).ok()?.1.as_dict().ok());
        let other_width = inner.and_then(|inner| inner.get(b"DW").ok()).and_then(number).unwrap_or(1000.0);
        let mut values = inner.and_then(|inner| array(inner, b"W")).into_iter().flatten();
        let most = usize::try_from(self.codes).unwrap_or(usize::MAX);
        // runs of `first [width …]` and `first last width`
        while let (Some(first), Some(next)) = (values.next().and_then(number), values.next()) {
            let first = first as u32;
            match (next, number(next)) {
                (Object::Array(each), _) => {
                    let each = (first..).zip(each).take(most);
                    widths.extend(each.filter_map(|(code, width)| Some((code, number(width)?))));
                }
                (_, Some(last)) => {
                    let Some(width) = values.next().and_then(number) else { break };
                    let last = (last as u32).min(first.saturating_add(self.codes));
                    widths.extend((first..=last).map(|code| (code, width)));
                }
                _ => break,
            }
            if widths.len() > most {
                break;
            }
        }
        self.codes = self.codes.saturating_sub(u32::try_from(widths.len()).unwrap_or(u32::MAX));
        Some(Font { meanings, is_wide, widths, other_width })
    }

    /// Takes in a string that is shown, behind a space or a new line where it does not go on from what was shown before.
    fn show(&mut self, state: &mut State, bytes: &[u8]) {
        let Some(font) = state.font.clone() else { return };
        let [a, b, _, _, x, y] = state.text.then(state.page).0;
        // not `hypot`, which asks for a newer C library than Lambda has
        let scale = (a * a + b * b).sqrt();
        let em = state.size.abs() * scale;
        if let Some((pen_x, pen_y)) = self.pen
            && em > 0.0
        {
            let (right, up) = (x - pen_x, y - pen_y);
            let (along, across) = ((right * a + up * b) / scale, (right * b - up * a) / scale);
            if across.abs() > LINE_GAP * em || along < -LINE_GAP * em {
                self.text.push('\n');
            } else if along > WORD_GAP * em {
                self.text.push(' ');
            }
        }
        font.meanings.read(bytes, &mut self.text);
        let width =
            |code: u32| font.widths.get(&code).copied().unwrap_or(font.other_width) / 1000.0 * state.size;
        let mut wide = 0.0;
        if font.is_wide {
            for pair in bytes.chunks(2) {
                wide += width(pair.iter().fold(0, |code, byte| code << 8 | u32::from(*byte)))
                    + state.letter_space;
            }
        } else {
            for byte in bytes {
                let space = if *byte == b' ' { state.word_space } else { 0.0 };
                wide += width(u32::from(*byte)) + state.letter_space + space;
            }
        }
        state.text = state.text.moved(wide * state.stretch, 0.0);
        let [.., x, y] = state.text.then(state.page).0;
        self.pen = Some((x, y));
    }
}

#[cfg(test)]
mod tests {
    use lopdf::{Stream, dictionary};
    use parstock_tests::papers::{locked, pdf};
    use proptest::prelude::*;

    use super::*;

    /// Widths of a font with letters of 500 and digits of 556 thousandths.
    fn widths() -> Vec<Object> {
        (32..=126u8).map(|code| if code.is_ascii_digit() { 556.into() } else { 500.into() }).collect()
    }

    /// A PDF with one page, unpacked or not.
    fn page(content: &str, packed: bool) -> Vec<u8> {
        let mut document = Document::with_version("1.5");
        let font = document.add_object(dictionary! {
            "Type" => "Font", "Subtype" => "Type1", "BaseFont" => "Helvetica", "Encoding" => "WinAnsiEncoding",
            "FirstChar" => 32, "LastChar" => 126, "Widths" => widths(),
        });
        let fonts = dictionary! { "Font" => dictionary! { "F1" => font } };
        let form = dictionary! {
            "Type" => "XObject", "Subtype" => "Form", "Resources" => fonts.clone(),
            "Matrix" => vec![1.into(), 0.into(), 0.into(), 1.into(), 300.into(), 0.into()],
        };
        let form = Stream::new(form, b"BT /F1 10 Tf (in a form) Tj ET /Again Do".to_vec());
        let form = document.add_object(form);
        let mut content = Stream::new(dictionary! {}, content.as_bytes().to_vec());
        if packed {
            content.compress().unwrap();
        }
        let content = document.add_object(content);
        let pages = document.new_object_id();
        let mut resources = fonts;
        resources.set("XObject", dictionary! { "Form" => form, "Again" => form });
        let page = document.add_object(dictionary! {
            "Type" => "Page", "Parent" => pages, "Contents" => content, "Resources" => resources,
        });
        let kids = dictionary! { "Type" => "Pages", "Kids" => vec![page.into()], "Count" => 1 };
        document.objects.insert(pages, Object::Dictionary(kids));
        let catalog = document.add_object(dictionary! { "Type" => "Catalog", "Pages" => pages });
        document.trailer.set("Root", catalog);
        let mut file = Vec::new();
        document.save_to(&mut file).unwrap();
        file
    }

    /// What only a test tells of a panic.
    const PANICKED: &str = "it panicked";

    /// The text as [`text_of`] would tell it.
    fn said(pdf: &[u8]) -> Result<String, &'static str> {
        catch_unwind(|| read(pdf, &AtomicBool::new(false)))
            .unwrap_or_else(|stop| Err(if stop.is::<TooMuch>() { TOO_MUCH } else { PANICKED }))
            .map(|text| text.trim().to_owned())
    }

    #[test]
    fn words_are_those_that_a_person_sees() {
        for (content, seen) in [
            // letter by letter, as browsers print
            (
                "1 0 0 -1 8 80 Tm (P) Tj 5.5 0 Td (O) Tj 5.6 0 Td (-) Tj 5.5 0 Td (12) Tj 11.2 0 Td (34) Tj",
                "PO-1234",
            ),
            // pulled together and apart
            ("[(PO) -20 (-12) 30 (34) -600 (two) -300 (pallets)] TJ", "PO-1234 two pallets"),
            // columns and lines
            ("10 700 Td (PO-1234) Tj 120 0 Td (2) Tj -120 -14 Td (G-1877) Tj", "PO-1234 2\nG-1877"),
            (
                "14 TL (PO-1234) Tj T* (G-1877) Tj (G-1878) ' 3 0 (G-1879) \"",
                "PO-1234\nG-1877\nG-1878\nG-1879",
            ),
            // a new piece at once behind the other
            ("(PO-) Tj (1234) Tj", "PO-1234"),
            // turned by a quarter
            ("0 1 -1 0 300 10 Tm (PO-) Tj (1234) Tj 50 0 Td (up) Tj", "PO-1234 up"),
            ("(a \\(b\\) \\101) Tj", "a (b) A"),
        ] {
            for packed in [false, true] {
                let content = format!("q BT /F1 10 Tf {content} ET Q");
                assert_eq!(said(&page(&content, packed)).as_deref(), Ok(seen), "{content}");
            }
        }
        let scaled =
            "0.5 0 0 0.5 0 0 cm BT /F1 20 Tf (PO-) Tj ET BT /F1 20 Tf 1 0 0 1 30.5 0 Tm (1234) Tj ET";
        assert_eq!(said(&page(scaled, false)).as_deref(), Ok("PO-1234"), "whatever the page is scaled by");
        let form = said(&page("BT /F1 10 Tf (on the page) Tj ET /Form Do", true)).unwrap();
        assert!(form.starts_with("on the page in a form"), "{form}");
    }

    #[test]
    fn what_has_no_text_gives_a_word() {
        assert_eq!(said(&pdf(&["PO-1234", "G-1877"])).as_deref(), Ok("PO-1234\nG-1877"));
        assert_eq!(said(&pdf(&[])), Err(NO_TEXT));
        assert_eq!(said(&locked()), Err(LOCKED));
        assert_eq!(said(b""), Err(NO_PDF));
        assert_eq!(said(b"garbage"), Err(NO_PDF));
        assert_eq!(said(b"%PDF-1.4\ngarbage\n%%EOF"), Err(NO_TEXT));
        assert_eq!(said(&vec![b' '; BYTES_MAX + 1]), Err(TOO_MUCH));
        let cut = page("BT /F1 10 Tf (PO-1234) Tj ET", true);
        assert!(said(&cut[..cut.len() / 2]).is_err());
        assert!(has_name(b"<< /#45ncr#79pt 5 0 R", b"Encrypt") && !has_name(b"/EncryptMetadata", b"Encrypt"));
    }

    #[test]
    fn a_pdf_that_unpacks_or_goes_on_for_ever_ends() {
        let long = " ".repeat(64 * 1024 * 1024);
        assert_eq!(said(&page(&long, true)), Err(NO_TEXT), "a page of 64 MB");
        let many = "BT /F1 10 Tf (PO-1234 ) Tj ET ".repeat(15_000);
        let many = said(&page(&many, true)).unwrap();
        assert!(many.len() <= TEXT_MAX + 100, "{}", many.len());
        // a form that shows itself is shown a few times
        let forms = said(&page("/Form Do", false)).unwrap();
        assert!(forms.matches("in a form").count() <= FORMS_DEEP_MAX as usize, "{forms}");
        let wide = "/Form Do ".repeat(50_000);
        assert!(said(&page(&wide, true)).unwrap().len() <= TEXT_MAX + 100);
        for (open, close) in [("[", "]"), ("<<", ">>"), ("(", ")")] {
            let deep = format!("{}{}", open.repeat(200_000), close.repeat(200_000));
            let file = format!("%PDF-1.4\n1 0 obj\n{deep}\nendobj\ntrailer\n<< /Root 1 0 R >>\n%%EOF");
            assert!(said(file.as_bytes()).is_err(), "{open}");
            let shown = format!("BT /F1 10 Tf {deep} TJ (PO-1234) Tj ET");
            assert_ne!(said(&page(&shown, true)), Err(PANICKED), "{open}");
        }
        let values = format!("%PDF-1.4\n1 0 obj\n[{}]\nendobj\n", "0 ".repeat(1_200_000));
        let start = values.len();
        let values = format!(
            "{values}xref\n0 2\n0000000000 65535 f \n0000000009 00000 n \ntrailer\n<< /Size 2 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF"
        );
        assert_eq!(said(values.as_bytes()), Err(TOO_MUCH));
    }

    #[tokio::test]
    async fn a_reader_is_a_thread_of_its_own() {
        let texts = (0..8).map(|_| text_of(pdf(&["PO-1234"])));
        for text in futures::future::join_all(texts).await {
            assert_eq!(text.unwrap().map(|text| text.trim().to_owned()).as_deref(), Ok("PO-1234"));
        }
        assert_eq!(text_of(b"garbage".to_vec()).await, Ok(Err(NO_PDF)));
    }

    proptest! {
        #[test]
        fn no_damage_to_a_pdf_breaks_anything(
            damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..20),
            packed in any::<bool>(),
        ) {
            let mut file = page("BT /F1 10 Tf [(PO) -20 (-1234)] TJ 0 -14 Td (G-1877) Tj ET /Form Do", packed);
            for (at, byte) in damage {
                let at = at.index(file.len());
                file[at] = byte;
            }
            // a panic of the parser would only be a paper without text, and there is none
            prop_assert_ne!(said(&file), Err(PANICKED));
        }
    }
}
