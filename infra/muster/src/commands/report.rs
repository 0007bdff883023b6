//! `muster report`: the newest page of findings.

use std::path::{Path, PathBuf};

use models::{Kind, keys};

use super::block_on;
use crate::arguments::Report;
use crate::client::Stack;
use crate::{Done, Problem, view};

/// Published runs of findings that are looked at; the newest come last.
const MOST: usize = 10_000;

pub(crate) fn main(arguments: &Report) -> Done {
    block_on(async {
        let stack = Stack::at(&arguments.at).await?;
        if arguments.open {
            return open(&stack, &arguments.to).await;
        }
        let page = fetch(&stack, &arguments.to).await?;
        view::say(&page.display().to_string());
        Ok(())
    })
}

/// Opens the newest page; of a stack that is not on this machine it is written to `to` first.
pub(crate) async fn open(stack: &Stack, to: &Path) -> Done {
    let page = fetch(stack, to).await?;
    view::say(&format!("  {:<11} {}", "opened", page.display()));
    open::that_detached(&page).map_err(|error| {
        Problem::other(format!("{} could not be opened: {error}. Open it by hand.", page.display()))
    })
}

/// The newest page as a file.
async fn fetch(stack: &Stack, to: &Path) -> Done<PathBuf> {
    let objects = stack.objects()?;
    let published = objects.keys(&keys::published(Kind::Findings), MOST).await?;
    // Their names begin with their times.
    let newest = published.iter().max().ok_or_else(|| {
        Problem::other("no findings have been published yet: cargo muster run findings".to_owned())
    })?;
    let document = objects.json(newest).await?.unwrap_or_default();
    let key = document["result"]["report"]
        .as_str()
        .ok_or_else(|| Problem::other(format!("{newest} names no report")))?;
    if let Some(file) = stack.file(key)? {
        return Ok(file);
    }
    let page = objects.bytes(key).await?.ok_or_else(|| Problem::other(format!("{key} is gone")))?;
    std::fs::write(to, page).map_err(Problem::file(to))?;
    std::path::absolute(to).map_err(|error| Problem::other(error.to_string()))
}
