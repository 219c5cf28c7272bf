//! PDFs for tests: as short as they can be, written by hand.

/// A PDF with a line of text for each line; without any it has a page and no text.
pub fn pdf(lines: &[&str]) -> Vec<u8> {
    let escaped = |line: &str| line.replace('\\', "\\\\").replace('(', "\\(").replace(')', "\\)");
    let shown: Vec<String> = lines.iter().map(|line| format!("0 -16 Td ({}) Tj", escaped(line))).collect();
    of_objects(&format!("BT /F1 12 Tf 72 720 Td {} ET", shown.join("\n")), "")
}

/// A PDF that says to be locked.
pub fn locked() -> Vec<u8> {
    of_objects("BT /F1 12 Tf 72 720 Td (secret PO-1234) Tj ET", " /Encrypt 5 0 R")
}

/// The file with a page whose content is given, and more in its trailer.
fn of_objects(content: &str, trailer: &str) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>"
            .to_owned(),
        format!("<< /Length {} >>\nstream\n{content}\nendstream", content.len()),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".to_owned(),
    ];
    let (mut file, mut places) = ("%PDF-1.4\n".to_owned(), Vec::new());
    for (index, object) in objects.iter().enumerate() {
        places.push(file.len());
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = file.len();
    file.push_str(&format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1));
    for place in places {
        file.push_str(&format!("{place:010} 00000 n \n"));
    }
    file.push_str(&format!(
        "trailer\n<< /Size {} /Root 1 0 R{trailer} >>\nstartxref\n{start}\n%%EOF\n",
        objects.len() + 1
    ));
    file.into_bytes()
}

/// The text of a PDF that [`pdf`] made, or why there is none, in the words of the real reader.
pub(crate) fn text_of(file: &[u8]) -> Result<String, String> {
    let file = String::from_utf8_lossy(file);
    if !file.starts_with("%PDF-") {
        return Err("is no PDF".to_owned());
    }
    if file.contains("/Encrypt") {
        return Err("is locked with a password".to_owned());
    }
    let shown = file.split(") Tj").filter_map(|part| part.split_once(" Td (").map(|(_, line)| line));
    let lines: Vec<&str> = shown.collect();
    if lines.is_empty() { Err("has no text that can be read".to_owned()) } else { Ok(lines.join("\n")) }
}
