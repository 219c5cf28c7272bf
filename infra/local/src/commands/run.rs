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
use crate::ports::LocalPorts;
use crate::screen::{self, Bar};
use crate::stop::until_stopped;
use crate::tell::Teller;
use crate::trade::Trade;
use crate::{console, control, live, start};

/// Which organisation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Org {
    /// An invented company in a simulated Xero, under a simulated clock
    #[default]
    Demo,
    /// Your organisation, by `parstock connect` or a custom connection in the XERO_ variables
    Live,
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
    /// Port of the console on 127.0.0.1; another one is taken if it is in use
    #[arg(long, value_name = "PORT", default_value_t = console::PORT)]
    pub console_port: u16,
    /// Live: port on 127.0.0.1 at which webhooks are taken
    #[arg(long, value_name = "PORT", default_value_t = live::WEBHOOK_PORT)]
    pub webhook_port: u16,
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
            console_port: console::PORT,
            webhook_port: live::WEBHOOK_PORT,
        }
    }
}

/// Simulated seconds that pass in a second while days are shown: a day takes about ten seconds.
const SHOWN_SPEED: u32 = 8_640;
/// Simulated seconds that pass in a second afterwards: an hour in a minute.
const CALM_SPEED: u32 = 60;
/// Longest wait while days are shown, so that nights pass quickly.
const SHOWN_WAIT_MAX: Duration = Duration::from_millis(700);

/// Runs until the process is asked to end.
///
/// # Errors
/// What can't be used or does not answer.
pub async fn run(options: Run) -> Result<u8, LocalError> {
    until_stopped("ended; the next start goes on from here", Box::pin(run_org(options))).await
}

async fn run_org(options: Run) -> Result<u8, LocalError> {
    let folder = Folder::at(&options.data)?;
    let Some(_held) = folder.hold()? else {
        return Err(LocalError::Input(format!(
            "another parstock holds {}: end it first, or name another folder with --data",
            folder.path().display()
        )));
    };
    let notebook = Notebook::open(&folder.file("local.sqlite"))?;
    match options.org {
        Org::Demo => {
            start::check_use(&folder, &notebook, start::Use::Demo)?;
            start::claim(&notebook, start::Use::Demo)?;
            Box::pin(run_demo(&folder, notebook, &options)).await
        }
        Org::Live => {
            start::check_use(&folder, &notebook, start::Use::Live)?;
            Box::pin(run_live(&folder, notebook, &options)).await
        }
    }
}

async fn run_demo(folder: &Folder, notebook: Notebook, options: &Run) -> Result<u8, LocalError> {
    let mut bar = Bar::default();
    let (listener, console_url) = console::bind(options.console_port).await?;
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
        if !waited(&ports, wait).await {
            continue;
        }
        let done = Box::pin(demo.driver.step(at, kind)).await?;
        tell(&mut teller, &done).await?;
    }
}

/// Waits; `false` when something arrived meanwhile, so that what comes next is to be looked at anew.
async fn waited(ports: &LocalPorts, wait: Duration) -> bool {
    let arrived = ports.queue.arrived();
    tokio::select! {
        biased;
        () = tokio::time::sleep(wait) => true,
        () = arrived.notified(), if !wait.is_zero() => false,
    }
}

async fn tell(teller: &mut Teller, done: &Done) -> Result<(), LocalError> {
    let mut lines = teller.troubles(done).await?;
    lines.extend(teller.lines(done).await?);
    for line in lines {
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

async fn run_live(folder: &Folder, notebook: Notebook, options: &Run) -> Result<u8, LocalError> {
    let (listener, console_url) = console::bind(options.console_port).await?;
    let mut live = live::open(folder, notebook, console_url.clone()).await?;
    let ports = Arc::clone(live.driver.ports());
    let webhooks = live::serve_webhooks(options.webhook_port, Arc::clone(&ports)).await?;
    let org = parstock_app::connect::ensure(&*ports, crate::driver::CONNECTION).await?;
    live.keep_slack(folder, org).await?;
    control::serve(folder, Arc::clone(&ports)).await?;
    let password = console::serve(listener, Arc::clone(&ports), &start::vault(folder)?).await?;
    let mut teller = Teller::new(Arc::clone(&ports), org).await?;
    screen::talk(&format!(
        "{} is connected.\nConsole: {console_url}  sign in as `{}` with the password `{password}`\nWebhooks: POST {webhooks}{}",
        teller.org_name(),
        console::USER,
        if live.takes_webhooks { "" } else { " (none is accepted until XERO_WEBHOOK_KEY is set)" },
    ));
    if let Some(lacks) = live.lacks().await? {
        screen::talk(&lacks);
    }
    if !live.is_heard(folder, org).await? {
        screen::talk(
            "Nobody hears of warnings and digests yet: set `mail_to` or `slack` in policy.json (`parstock settings \
             export` writes it)",
        );
    }
    screen::talk("");
    follow(&mut live.driver, org, &mut teller).await
}

/// Lives by the machine's clock.
async fn follow<T: Trade>(driver: &mut Driver<T>, org: OrgId, teller: &mut Teller) -> Result<u8, LocalError> {
    let ports = Arc::clone(driver.ports());
    let mut bar = Bar::default();
    let mut loading = true;
    loop {
        let (at, kind) = driver.next()?;
        let wait = at.duration_since(ports.clock.now()).max(SignedDuration::ZERO).unsigned_abs();
        if !waited(&ports, wait).await {
            continue;
        }
        let done = Box::pin(driver.step(at, kind)).await?;
        if !loading {
            tell(teller, &done).await?;
            continue;
        }
        // a first load books thousands of documents; its bar says enough, unless it stands still
        for line in teller.troubles(&done).await? {
            bar.talk(&line);
        }
        teller.skip().await?;
        let profile = load::one::<Profile>(ports.store(), Owner::Org(org), Key::Profile).await?;
        if let Some(profile) = profile {
            loading = loads(&mut bar, profile.content.backfill);
        }
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
