//! Writes every mail and page of a made-up shop into a folder, to be looked at in a browser:
//! `cargo run -p parstock-views --example preview -- FOLDER`.

#[path = "../tests/sample/mod.rs"]
mod sample;

use std::path::Path;

use data_encoding::BASE64;
use sample::as_written;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args().nth(1).ok_or("say into which folder, such as /tmp/preview")?;
    let folder = Path::new(&folder);
    std::fs::create_dir_all(folder)?;
    let digests = [
        ("mail-digest", sample::digest(&as_written)),
        ("mail-digest-calm", sample::calm(&as_written)),
        ("mail-digest-troubled", sample::troubled(&as_written)),
    ];
    for (name, content) in digests {
        let rendered = content.render()?;
        let mut html = rendered.html;
        // a browser knows no parts of a mail
        for (picture, bytes) in &rendered.pictures {
            let data = format!("data:image/png;base64,{}", BASE64.encode(bytes));
            html = html.replace(&format!("cid:{picture}"), &data);
        }
        std::fs::write(folder.join(format!("{name}.html")), html)?;
        std::fs::write(
            folder.join(format!("{name}.txt")),
            format!("{}\n\n{}", rendered.subject, rendered.text),
        )?;
        std::fs::write(folder.join(format!("{name}.slack.json")), rendered.slack)?;
    }
    std::fs::write(folder.join("mail-alert.html"), sample::alert(&as_written).render()?.html)?;
    std::fs::write(folder.join("mail-sign-in.html"), sample::sign_in_mail(&as_written).render()?.html)?;
    for (name, html) in sample::pages(&as_written) {
        std::fs::write(folder.join(format!("{name}.html")), html)?;
    }
    Ok(())
}
