//! `parstock forecast`: what is enough of each item, by the figures of files alone. It needs no folder and no stack.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use crate::error::{DONE, LocalError};
use crate::files;
use crate::forecasts::{self, DataSet, History};
use crate::screen;
use crate::tables::{self, Wrong};

/// Forecasts what is asked for of each item.
#[derive(Args, Clone, Debug)]
pub struct Forecast {
    /// Data sets as JSON, each with freq, season, protection, horizon and cutoffs
    #[arg(long, value_name = "FILE", requires_all = ["name", "history"], required_unless_present = "m3")]
    dataset: Option<PathBuf>,
    /// Which of them
    #[arg(long, value_name = "NAME", requires = "dataset")]
    name: Option<String>,
    /// Past demand as CSV, compressed if it ends in .gz: unique_id,ds,y and maybe promo
    #[arg(long, value_name = "FILE", requires = "dataset")]
    history: Option<PathBuf>,
    /// Items as CSV: unique_id and maybe category
    #[arg(long, value_name = "FILE", requires = "dataset")]
    meta: Option<PathBuf>,
    /// Smooth monthly series instead, as CSV: unique_id,part,t,y
    #[arg(long, value_name = "FILE", conflicts_with = "dataset")]
    m3: Option<PathBuf>,
    /// Where to write unique_id,cutoff,h,mean,q50,q80,q90,q95,q975,q99, or unique_id,t,mean
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Runs it.
pub(super) fn run(options: &Forecast) -> Result<u8, LocalError> {
    if let Some(path) = &options.m3 {
        let text = forecasts::long(tables::open(path)?).map_err(|wrong| refused(path, &wrong))?;
        write(&options.out, |file| file.write_all(text.as_bytes()))?;
        return Ok(DONE);
    }
    // clap has asked for all three
    let (Some(sets), Some(name), Some(path)) = (&options.dataset, &options.name, &options.history) else {
        return Err(LocalError::Input("say --dataset, --name and --history, or --m3".to_owned()));
    };
    let json = fs::read_to_string(sets)
        .map_err(|error| LocalError::Input(format!("{} can't be read: {error}", sets.display())))?;
    let set = DataSet::find(&json, name).map_err(|wrong| refused(sets, &wrong))?;
    let plan = set.plan().map_err(|wrong| refused(sets, &wrong))?;
    let meta = options.meta.as_deref().map(tables::open).transpose()?;
    let history = History::read(&set, tables::open(path)?, meta).map_err(|wrong| refused(path, &wrong))?;
    let mut cutoffs = Vec::new();
    for (cutoff, date) in set.cutoffs().map_err(|wrong| refused(sets, &wrong))? {
        cutoffs.push((cutoff, history.until(date).map_err(|wrong| refused(path, &wrong))?));
    }
    write(&options.out, |file| {
        writeln!(file, "{}", forecasts::HEADER)?;
        let mut text = String::new();
        for (cutoff, periods) in &cutoffs {
            forecasts::each_cutoff(plan, &history, *periods, |id, forecast| {
                text.clear();
                forecasts::lines(&mut text, id, cutoff, forecast);
                file.write_all(text.as_bytes())
            })?;
        }
        Ok(())
    })?;
    screen::talk(&format!("{} items at {} cutoffs", history.items.len(), cutoffs.len()));
    Ok(DONE)
}

fn refused(path: &Path, wrong: &Wrong) -> LocalError {
    LocalError::Input(format!("nothing was written:\n{}: {wrong}", path.display()))
}

/// Writes a table, compressed if its name says so.
fn write(path: &Path, make: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> Result<(), LocalError> {
    files::replace(path, |file| {
        let mut file = BufWriter::new(file);
        if tables::is_compressed(path) {
            let mut packed = flate2::write::GzEncoder::new(&mut file, flate2::Compression::fast());
            make(&mut packed)?;
            packed.finish()?;
        } else {
            make(&mut file)?;
        }
        file.flush()
    })
}
