//! `parstock doctor`: checks all that can be wrong, and says what to do about it.

use clap::Args;

use super::Common;
use crate::ask::{Answer, Ask, answer, at_rest};
use crate::control;
use crate::doctor::{judge, told};
use crate::error::LocalError;
use crate::folder::Folder;
use crate::stack;

/// Checks all that can be wrong.
#[derive(Args, Clone, Debug)]
pub struct Doctor {
    /// Where to look and how to answer.
    #[command(flatten)]
    pub common: Common,
}

/// Runs it.
pub(super) async fn run(doctor: Doctor) -> Result<u8, LocalError> {
    let common = doctor.common;
    let found = match &common.stack {
        Some(name) => stack::examine(name, common.org.clone()).await?,
        None => of_folder(&Folder::existing(&common.data)?).await?,
    };
    super::show(common.json, &found)
}

/// What is wrong with a folder; that it can't be opened is a finding, too.
async fn of_folder(folder: &Folder) -> Result<Answer, LocalError> {
    let Some(_held) = folder.hold()? else {
        return control::put(&folder.running()?, &Ask::Doctor).await;
    };
    match at_rest(folder).await {
        Ok(ports) => answer(&ports, &Ask::Doctor).await,
        Err(error) => Ok(told(&[judge::broken_folder(&error.to_string())])),
    }
}
