//! The end of a long command: Ctrl-C, or the system's wish that it ends.

use std::pin::pin;

use tokio::signal::unix::{SignalKind, signal};

use crate::error::{DONE, LocalError};
use crate::screen;

/// Does `work` until it is done or the process is asked to end (SIGINT, SIGTERM), which it then does with
/// `word`.
///
/// The work is dropped where it stands: it stores what decides what comes next before it acts, so that is as
/// safe as a kill, and what it holds is freed.
///
/// # Errors
/// Those of the work.
pub async fn until_stopped(
    word: &str,
    work: impl Future<Output = Result<u8, LocalError>>,
) -> Result<u8, LocalError> {
    let mut interrupt = signal(SignalKind::interrupt()).map_err(LocalError::outside)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(LocalError::outside)?;
    let mut asked = pin!(async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
    tokio::select! {
        biased;
        () = &mut asked => {
            screen::talk(word);
            Ok(DONE)
        }
        done = work => done,
    }
}
