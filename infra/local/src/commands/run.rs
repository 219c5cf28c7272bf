//! `parstock run`: the whole of parstock in one process.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, ValueEnum};
use jiff::SignedDuration;
use parstock_app::load;
use parstock_app::ports::Ports;
use parstock_app::records::{Backfill, Key, Owner, Profile};
use parstock_domain::ids::OrgId;

use crate::demo::{self, Progress};
use crate::driver::{Done, Driver};
use crate::error::{DONE, LocalError};
use crate::folder::Folder;
use crate::notebook::Notebook;
use crate::screen::{self, Bar};
use crate::tell::Teller;
use crate::trade::Trade;
use crate::{console, control, live, start};

/// Which organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Org {
    /// An invented company in a simulated Xero, under a simulated clock
    #[default]
    Demo,
    /// The organisation of a custom connection, reached by the XERO_ variables
    Live,
}

impl Org {
    const fn word(self) -> &'static str {
        match self {
            Self::Demo => "demo",
            Self::Live => "live",
        }
    }
}

/// How fast simulated time runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Pace {
    /// Slow enough to follow
    #[default]
    Eye,
    /// As fast as the machine can
    Full,
}

/// Runs everything until Ctrl-C.
#[derive(Args, Clone, Debug)]
pub struct Run {
    /// Which organisation
    #[arg(long, value_enum, default_value_t)]
    pub org: Org,
    /// The data folder
    #[arg(long, value_name = "DIR", default_value = crate::folder::DEFAULT)]
    pub data: PathBuf,
    /// Demo: days of trade that are shown before time slows down
    #[arg(long, value_name = "N", default_value_t = DAYS_SHOWN)]
    pub days: u16,
    /// Demo: end after these days instead of going on until Ctrl-C
    #[arg(long)]
    pub exit: bool,
    /// Demo: how fast these days pass
    #[arg(long, value_enum, default_value_t)]
    pub pace: Pace,
    /// Demo: seed of everything that is invented
    #[arg(long, value_name = "SEED", default_value_t = demo::SEED)]
    pub seed: u64,
}

/// Days that are shown unless `--days` says otherwise.
const DAYS_SHOWN: u16 = 3;

impl Default for Run {
    fn default() -> Self {
        Self {
            org: Org::Demo,
            data: PathBuf::from(crate::folder::DEFAULT),
            days: DAYS_SHOWN,
            exit: false,
            pace: Pace::Eye,
            seed: demo::SEED,
        }
    }
}

/// Simulated seconds that pass in a second while days are shown: a day takes about ten seconds.
const SHOWN_SPEED: u32 = 8_640;
/// Simulated seconds that pass in a second afterwards: an hour in a minute.
const CALM_SPEED: u32 = 60;
/// Longest wait while days are shown, so that nights pass quickly.
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
    let notebook = Notebook::open(&folder.file("local.sqlite"))?;
    match notebook.fact(start::ORG_KIND)? {
        None => notebook.set_fact(start::ORG_KIND, options.org.word())?,
        Some(kind) if kind == options.org.word() => {}
        Some(kind) => {
            return Err(LocalError::Input(format!(
                "{} holds the data of `--org {kind}`: name another folder with --data",
                folder.path().display()
            )));
        }
    }
    let ended = match options.org {
        Org::Demo => run_demo(&folder, notebook, &options).await,
        Org::Live => run_live(&folder, notebook).await,
    };
    if matches!(ended, Err(LocalError::Stopped)) {
        screen::talk("ended; the next start goes on from here");
        return Ok(DONE);
    }
    ended
}

async fn run_demo(folder: &Folder, notebook: Notebook, options: &Run) -> Result<u8, LocalError> {
    let mut bar = Bar::default();
    let (listener, console_url) = console::bind().await?;
    let mut demo = demo::open(folder, notebook, console_url.clone(), options.seed, &mut bar).await?;
    let org = demo.set_up(&mut bar).await?;
    bar.finish();
    let ports = Arc::clone(demo.driver.ports());
    control::serve(folder, Arc::clone(&ports)).await?;
    let password = console::serve(listener, Arc::clone(&ports), &start::vault(folder)?).await?;
    let mut teller = Teller::new(Arc::clone(&ports), org).await?;
    screen::talk(&format!(
        "{} is connected; it is {} there.\nConsole: {console_url}  sign in as `{}` with the password `{password}`\n",
        teller.org_name(),
        teller.local(ports.clock.now()),
        console::USER,
    ));
    let shown_until = demo.begins(i64::from(options.days).saturating_add(1))?;
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    let mut calm = false;
    loop {
        let (at, kind) = demo.driver.next()?;
        let shown = at < shown_until;
        if !shown && options.exit {
            return Ok(DONE);
        }
        if !shown && !calm {
            calm = true;
            screen::talk(&format!(
                "\nTrade goes on, an hour in a minute. Console: {console_url}  End with Ctrl-C."
            ));
        }
        let wait = wait(at.duration_since(ports.clock.now()), shown, options.pace);
        if !waited(&ports, wait, &mut stop).await? {
            continue;
        }
        let done = demo.driver.step(at, kind).await?;
        tell(&mut teller, &done).await?;
    }
}

/// Waits; `false` when something arrived meanwhile, so that what comes next is to be looked at anew.
async fn waited(
    ports: &crate::ports::LocalPorts,
    wait: Duration,
    stop: &mut (impl Future<Output = std::io::Result<()>> + Unpin),
) -> Result<bool, LocalError> {
    let arrived = ports.queue.arrived();
    tokio::select! {
        biased;
        _ = stop => {
            Err(LocalError::Stopped)
        }
        () = tokio::time::sleep(wait) => Ok(true),
        () = arrived.notified(), if !wait.is_zero() => Ok(false),
    }
}

async fn tell(teller: &mut Teller, done: &Done) -> Result<(), LocalError> {
    for line in teller.lines(done).await? {
        screen::talk(&line);
    }
    Ok(())
}

fn wait(simulated: SignedDuration, shown: bool, pace: Pace) -> Duration {
    let simulated = simulated.unsigned_abs();
    match (pace, shown) {
        (Pace::Full, true) => Duration::ZERO,
        (Pace::Eye, true) => (simulated / SHOWN_SPEED).min(SHOWN_WAIT_MAX),
        (_, false) => simulated / CALM_SPEED,
    }
}

async fn run_live(folder: &Folder, notebook: Notebook) -> Result<u8, LocalError> {
    let (listener, console_url) = console::bind().await?;
    let mut live = live::open(folder, notebook, console_url.clone()).await?;
    let ports = Arc::clone(live.driver.ports());
    let webhooks = live::serve_webhooks(Arc::clone(&ports), live.webhook_keys.clone()).await?;
    // the first contact: what is wrong with secret or address shows here
    let org = parstock_app::connect::ensure(&*ports, crate::driver::CONNECTION).await?;
    live.keep_slack(folder, org).await?;
    control::serve(folder, Arc::clone(&ports)).await?;
    let password = console::serve(listener, Arc::clone(&ports), &start::vault(folder)?).await?;
    let mut teller = Teller::new(Arc::clone(&ports), org).await?;
    screen::talk(&format!(
        "{} is connected.\nConsole: {console_url}  sign in as `{}` with the password `{password}`\nWebhooks: POST {webhooks}{}\n",
        teller.org_name(),
        console::USER,
        if live.webhook_keys.is_empty() { " (none is accepted until XERO_WEBHOOK_KEY is set)" } else { "" },
    ));
    follow(&mut live.driver, org, &mut teller).await
}

/// Lives by the machine's clock until Ctrl-C.
async fn follow<T: Trade>(driver: &mut Driver<T>, org: OrgId, teller: &mut Teller) -> Result<u8, LocalError> {
    let ports = Arc::clone(driver.ports());
    let mut stop = std::pin::pin!(tokio::signal::ctrl_c());
    let mut bar = Bar::default();
    let mut loading = true;
    let mut problem = None;
    loop {
        let (at, kind) = driver.next()?;
        let wait = at.duration_since(ports.clock.now()).max(SignedDuration::ZERO).unsigned_abs();
        if !waited(&ports, wait, &mut stop).await? {
            continue;
        }
        let done = driver.step(at, kind).await?;
        let profile = load::one::<Profile>(ports.store(), Owner::Org(org), Key::Profile).await?;
        if let Some(profile) = profile.map(|profile| profile.content) {
            if loading {
                loading = loads(&mut bar, profile.backfill);
            }
            if profile.needs_person != problem {
                problem = profile.needs_person;
                screen::talk(&problem.as_ref().map_or_else(
                    || "Xero answers again".to_owned(),
                    |problem| format!("your turn: {problem}"),
                ));
            }
        }
        // a first load books thousands of documents; its bar says enough
        if loading { teller.skip().await? } else { tell(teller, &done).await? }
    }
}

fn loads(bar: &mut Bar, backfill: Backfill) -> bool {
    match backfill {
        Backfill::Reading { documents, .. } | Backfill::Opening { documents } => {
            bar.report("documents read out of Xero", documents, 0);
            true
        }
        Backfill::Done { documents, .. } => {
            bar.finish();
            screen::talk(&format!("the history is whole: {documents} documents"));
            false
        }
    }
}
