//! How long the costs of a file's movements take, step by step: `cost FILE METHOD OUT` does what `parstock cost` does, and builds
//! in a minute. Only the command makes lines while it writes others.

#![expect(clippy::print_stdout, reason = "it is here to say what it measured")]
#![expect(clippy::disallowed_methods, reason = "it measures time")]

use std::io::Write;
use std::time::Instant;

use parstock_domain::costing::{Method, file};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("which file?")?;
    let method = match arguments.next().as_deref() {
        Some("fifo") => Method::Fifo,
        Some("average") => Method::Average,
        Some("lifo") => Method::Lifo,
        _ => return Err("fifo, average or lifo?".into()),
    };
    let out = arguments.next().ok_or("where to?")?;
    let begun = Instant::now();
    let text = std::fs::read(path)?;
    println!("read    {:?}", begun.elapsed());
    let movements = file::read(&text).map_err(|wrong| format!("{wrong:?}"))?;
    drop(text);
    println!("parsed  {:?}", begun.elapsed());
    let outcome = movements.cost(method).map_err(|wrong| format!("{wrong:?}"))?;
    println!("costed  {:?}", begun.elapsed());
    let mut out = std::fs::File::create(out)?;
    for part in movements.lines(&outcome) {
        out.write_all(&part)?;
    }
    println!("written {:?}", begun.elapsed());
    println!("{} movements, {} without a known cost", movements.count(), outcome.unknown.len());
    Ok(())
}
