//! The data folder: who holds it, and what it is for.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::error::LocalError;

/// Where data lies unless `--data` says otherwise.
pub const DEFAULT: &str = "./parstock-data";
/// Only its owner may read the token of a running process.
const OWNER_ONLY: u32 = 0o600;

/// A data folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
    is_temporary: bool,
}

/// Held as long as a process works on a folder.
#[derive(Debug)]
pub struct Held {
    /// Locked until it is closed, which the end of the process does too.
    _lock: File,
    running: PathBuf,
}

impl Drop for Held {
    fn drop(&mut self) {
        // what a killed process leaves behind is noticed by its lock
        let _ = fs::remove_file(&self.running);
    }
}

/// How to reach the process that holds a folder.
#[derive(Clone, Serialize, Deserialize)]
pub struct Running {
    /// Address and port, on this machine.
    pub address: String,
    /// What its callers must show.
    pub token: String,
}

impl Folder {
    /// The folder at `path`, which is made when it isn't there.
    ///
    /// # Errors
    /// When it can't be made.
    pub fn at(path: &Path) -> Result<Self, LocalError> {
        fs::create_dir_all(path).map_err(|error| {
            LocalError::Input(format!("the data folder {} can't be used: {error}", path.display()))
        })?;
        Ok(Self { path: path.to_owned(), is_temporary: false })
    }

    /// An existing folder that ends with the process: nothing in it has to outlive that.
    pub fn temporary(path: &Path) -> Self {
        Self { path: path.to_owned(), is_temporary: true }
    }

    /// An existing folder.
    ///
    /// # Errors
    /// When nothing has been run in it.
    pub fn existing(path: &Path) -> Result<Self, LocalError> {
        let folder = Self { path: path.to_owned(), is_temporary: false };
        if folder.file("local.sqlite").exists() {
            return Ok(folder);
        }
        Err(LocalError::Input(format!(
            "{} is no data folder of parstock: run `parstock run --data {0}` first, or name another with --data",
            path.display()
        )))
    }

    /// Whether it ends with the process.
    pub fn is_temporary(&self) -> bool {
        self.is_temporary
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Takes the folder for this process; `None` when another one holds it.
    ///
    /// # Errors
    /// When the lock file can't be used.
    pub fn hold(&self) -> Result<Option<Held>, LocalError> {
        let path = self.file("lock");
        let broken =
            |error: std::io::Error| LocalError::Input(format!("{} can't be used: {error}", path.display()));
        let lock = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(broken)?;
        match lock.try_lock() {
            Ok(()) => {
                let held = Held { _lock: lock, running: self.file("running.json") };
                // the address of a killed process would lead commands astray
                match fs::remove_file(&held.running) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(broken(error)),
                    _ => Ok(Some(held)),
                }
            }
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(broken(error)),
        }
    }

    /// Says how this process is reached.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn announce(&self, running: &Running) -> Result<(), LocalError> {
        let new = self.file("running.json.new");
        let write = || {
            let mut file =
                OpenOptions::new().create(true).truncate(true).write(true).mode(OWNER_ONLY).open(&new)?;
            file.write_all(serde_json::to_string(running)?.as_bytes())?;
            fs::rename(&new, self.file("running.json"))
        };
        write().map_err(LocalError::outside)
    }

    /// How the process that holds the folder is reached.
    ///
    /// # Errors
    /// When it does not say so.
    pub fn running(&self) -> Result<Running, LocalError> {
        let busy = || {
            LocalError::Outside(format!(
                "another process holds {} and does not answer yet: try again in a moment",
                self.path.display()
            ))
        };
        let text = fs::read_to_string(self.file("running.json")).map_err(|_| busy())?;
        serde_json::from_str(&text).map_err(|_| busy())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_process_holds_a_folder_at_a_time() {
        let path = tempfile::tempdir().unwrap();
        let folder = Folder::at(path.path()).unwrap();
        assert!(Folder::existing(path.path()).is_err(), "nothing ran in it");
        let held = folder.hold().unwrap();
        assert!(held.is_some());
        assert!(folder.hold().unwrap().is_none());
        folder.announce(&Running { address: "127.0.0.1:1".into(), token: "t".into() }).unwrap();
        assert_eq!(folder.running().unwrap().address, "127.0.0.1:1");
        drop(held);
        assert!(folder.hold().unwrap().is_some());
        assert!(folder.running().is_err(), "the one that ended took its address along");
        // one that was killed could not
        folder.announce(&Running { address: "127.0.0.1:2".into(), token: "t".into() }).unwrap();
        assert!(folder.hold().unwrap().is_some());
        assert!(folder.running().is_err(), "whoever takes the folder forgets where the one before was");
    }
}
