//! Files that commands write: whole, or as they were before.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use crate::error::LocalError;

/// Writes a file beside the one that it then takes the place of, so that half a file is none and a failure leaves what was there. What
/// is no plain file, such as `/dev/stdout`, is written straight.
///
/// # Errors
/// It can't be written.
pub fn replace(path: &Path, make: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), LocalError> {
    let written = if fs::symlink_metadata(path).is_ok_and(|there| !there.is_file()) {
        File::create(path).and_then(|mut file| make(&mut file))
    } else {
        let mut new = OsString::from(path);
        new.push(".new");
        let written = File::create(&new).and_then(|mut file| make(&mut file));
        let moved = written.and_then(|()| fs::rename(&new, path));
        if moved.is_err() {
            let _ = fs::remove_file(&new);
        }
        moved
    };
    written.map_err(|error| LocalError::Outside(format!("{} can't be written: {error}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_failure_leaves_what_was_there_and_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("out.csv");
        replace(&path, |file| file.write_all(b"good")).unwrap();
        let failed = replace(&path, |file| {
            file.write_all(b"ha")?;
            Err(io::ErrorKind::StorageFull.into())
        });
        assert!(matches!(failed, Err(LocalError::Outside(_))));
        assert_eq!(fs::read(&path).unwrap(), b"good");
        replace(&path, |file| file.write_all(b"better")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"better");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("out.csv"), folder.path().join("link.csv"));
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, |file| file.write_all(b"good")).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"good");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    }
}
