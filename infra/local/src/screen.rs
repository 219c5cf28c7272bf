//! What the process says: results on standard output, talk on standard error.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::demo::Progress;

/// A result. Whoever reads no further, such as `head`, has enough.
pub fn result(text: &str) {
    let end = if text.ends_with('\n') || text.is_empty() { "" } else { "\n" };
    let mut out = io::stdout().lock();
    let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}

/// Talk, which goes on when nobody listens.
pub fn talk(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Progress: a bar in a terminal, now and then a line elsewhere.
#[derive(Default)]
pub struct Bar {
    shown: Option<(String, ProgressBar)>,
    tenths: u64,
}

impl Progress for Bar {
    fn report(&mut self, what: &str, done: u64, total: u64) {
        if !io::stderr().is_terminal() {
            self.line(what, done, total);
            return;
        }
        if self.shown.as_ref().is_none_or(|(shown, _)| shown != what) {
            self.finish();
            let bar = if total == 0 { ProgressBar::new_spinner() } else { ProgressBar::new(total) };
            let style = if total == 0 { "{spinner} {msg}: {pos}" } else { "{msg} [{bar:40}] {pos} of {len}" };
            if let Ok(style) = ProgressStyle::with_template(style) {
                bar.set_style(style);
            }
            bar.set_message(what.to_owned());
            bar.enable_steady_tick(Duration::from_millis(200));
            self.shown = Some((what.to_owned(), bar));
        }
        if let Some((_, bar)) = &self.shown {
            bar.set_position(done);
        }
    }
}

impl Bar {
    fn line(&mut self, what: &str, done: u64, total: u64) {
        let tenths = done.saturating_mul(10).checked_div(total).unwrap_or(done / 1_000);
        let is_new = self.shown.as_ref().is_none_or(|(shown, _)| shown != what);
        if is_new || tenths != self.tenths {
            self.shown = Some((what.to_owned(), ProgressBar::hidden()));
            self.tenths = tenths;
            match total {
                0 => talk(&format!("{what}: {done}")),
                total => talk(&format!("{what}: {done} of {total}")),
            }
        }
    }

    /// Talk above the bar.
    pub fn talk(&self, text: &str) {
        match &self.shown {
            Some((_, bar)) => bar.suspend(|| talk(text)),
            None => talk(text),
        }
    }

    /// Ends what is shown.
    pub fn finish(&mut self) {
        if let Some((_, bar)) = self.shown.take() {
            bar.finish();
        }
    }
}
