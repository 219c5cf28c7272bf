//! `parstock run`: the whole of parstock in one process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::demo::{self, Demo};
use crate::error::{DONE, LocalError};
use crate::folder::Folder;
use crate::screen::{self, Bar};
use crate::tell::Teller;

/// Port of the console, unless it is taken.
pub const CONSOLE_PORT: u16 = 4100;

/// Which organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Org {
    /// An invented company in a simulated Xero, under a simulated clock.
    #[default]
    Demo,
    /// The organisation of a custom connection, reached by the XERO_ variables.
    Live,
}

/// How fast simulated time runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// Slow enough to follow.
    #[default]
    Eye,
    /// As fast as the machine can.
    Full,
}

/// Runs everything until Ctrl-C.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Which organisation.
    #[arg(long, value_enum, default_value_t)]
    pub org: Org,
    /// The data folder.
    #[arg(long, value_name = "DIR", default_value = crate::folder::DEFAULT)]
    pub data: PathBuf,
    /// Demo: days of trade that are shown before time slows down.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub days: u16,
    /// Demo: end after these days instead of going on until Ctrl-C.
    #[arg(long)]
    pub exit: bool,
    /// Demo: how fast these days pass.
    #[arg(long, value_enum, default_value_t)]
    pub pace: Pace,
    /// Demo: seed of everything that is invented.
    #[arg(long, value_name = "SEED", default_value_t = demo::SEED)]
    pub seed: u64,
}

/// Simulated seconds that pass in a second while days are shown: a day takes about ten seconds.
const SHOWN_SPEED: f64 = 8_640.0;
/// Simulated seconds that pass in a second afterwards: an hour in ten seconds.
const CALM_SPEED: f64 = 360.0;
/// Longest wait for the eye, so that nights pass quickly.
const SHOWN_WAIT_MAX: Duration = Duration::from_millis(700);

/// Runs.
///
/// # Errors
/// What can't be used or does not answer.
pub async fn run(options: Run) -> Result<u8, LocalError> {
    let folder = Folder::at(&options.data)?;
    let Some(_held) = folder.hold()? else {
        return Err(LocalError::Input(format!(
            "another parstock holds {}: end it first, or name another folder with --data",
            folder.path().display()
        )));
    };
    match options.org {
        Org::Demo => run_demo(&folder, &options).await,
        Org::Live => Err(LocalError::Input("not yet".to_owned())),
    }
}

async fn run_demo(folder: &Folder, options: &Run) -> Result<u8, LocalError> {
    let mut bar = Bar::default();
    let console_url = format!("http://127.0.0.1:{CONSOLE_PORT}");
    let mut demo = demo::open(folder, console_url.clone(), options.seed, &mut bar).await?;
    let org = demo.set_up(&mut bar).await?;
    bar.finish();
    let mut teller = Teller::new(Arc::clone(demo.driver.ports()), org).await?;
    screen::talk(&format!(
        "{} is connected; it is {} there. Console: {console_url}",
        teller.org_name(),
        teller.local(demo.driver.ports().clock.now())
    ));
    let shown_until = demo.begins(i64::from(options.days) + 1)?;
    live(&mut demo, &mut teller, options, shown_until).await
}

/// Lives until Ctrl-C, or until the shown days are over.
async fn live(demo: &mut Demo, teller: &mut Teller, options: &Run, shown_until: Timestamp) -> Result<u8, LocalError> {
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    let arrived = demo.driver.ports().queue.arrived();
    loop {
        let (at, kind) = demo.driver.next()?;
        let shown = at < shown_until;
        if !shown && options.exit {
            return Ok(DONE);
        }
        let now = demo.driver.ports().clock.now();
        let wait = wait(at.duration_since(now).as_secs_f64(), shown, options.pace);
        tokio::select! {
            biased;
            _ = &mut stop => {
                screen::talk("ended; the next start goes on from here");
                return Ok(DONE);
            }
            () = tokio::time::sleep(wait), if !wait.is_zero() => {}
            () = arrived.notified(), if !wait.is_zero() => continue,
            () = std::future::ready(()), if wait.is_zero() => {}
        }
        let done = demo.driver.step(at, kind).await?;
        for line in teller.lines(&done).await? {
            screen::talk(&line);
        }
    }
}

fn wait(simulated: f64, shown: bool, pace: Pace) -> Duration {
    match (pace, shown) {
        (Pace::Full, true) => Duration::ZERO,
        (_, true) => Duration::from_secs_f64((simulated / SHOWN_SPEED).max(0.0)).min(SHOWN_WAIT_MAX),
        (_, false) => Duration::from_secs_f64((simulated / CALM_SPEED).max(0.0)),
    }
}
