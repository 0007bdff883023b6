//! The report's CSV. AWS publishes no layout: the columns, their names and their order are this
//! simulation's own, in the two grains that the known facts allow.

use std::io::{self, Write};

use crate::organization::{ATTRIBUTES, Account, Organization, setting};
use crate::settings::{Layout, Unreadable};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvOptions {
    pub layout: Layout,
    pub unreadable: Unreadable,
}

/// Writes the report of `target`.
pub fn write(
    out: &mut dyn Write,
    organization: &Organization,
    target: &str,
    options: CsvOptions,
) -> io::Result<()> {
    match options.layout {
        Layout::Wide => {
            write!(out, "account_id,account_name,region")?;
            for attribute in &ATTRIBUTES {
                write!(out, ",{}", attribute.name)?;
            }
            writeln!(out)?;
        }
        Layout::Long => writeln!(out, "account_id,account_name,region,attribute,value")?,
    }
    let below = organization.below(target).unwrap_or_default();
    // The settings depend on the account's place in the whole organization.
    let mut number = 0;
    for account in below {
        while organization.accounts.get(number).is_some_and(|it| it.id != account.id) {
            number += 1;
        }
        write_account(out, organization, account, number, options)?;
    }
    Ok(())
}

fn write_account(
    out: &mut dyn Write,
    organization: &Organization,
    account: &Account,
    number: usize,
    options: CsvOptions,
) -> io::Result<()> {
    if account.state != "ACTIVE"
        || (account.unreadable.is_some() && options.unreadable == Unreadable::Omitted)
    {
        return Ok(());
    }
    let error = account.unreadable.map(|code| format!("Error: {code}"));
    for (index, region) in organization.regions.iter().enumerate() {
        let value = |attribute| match (&error, options.unreadable) {
            (None, _) => setting(organization.seed, number, index, attribute),
            (Some(_), Unreadable::Blank | Unreadable::Omitted) => "",
            (Some(error), Unreadable::ErrorText) => error.as_str(),
        };
        match options.layout {
            Layout::Wide => {
                write!(out, "{},{},{region}", account.id, Cell(&account.name))?;
                for attribute in &ATTRIBUTES {
                    write!(out, ",{}", Cell(value(attribute)))?;
                }
                writeln!(out)?;
            }
            Layout::Long => {
                for attribute in &ATTRIBUTES {
                    let value = Cell(value(attribute));
                    writeln!(
                        out,
                        "{},{},{region},{},{value}",
                        account.id,
                        Cell(&account.name),
                        attribute.name
                    )?;
                }
            }
        }
    }
    Ok(())
}

/// A cell, quoted where it must be (RFC 4180).
struct Cell<'a>(&'a str);

impl std::fmt::Display for Cell<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.0.contains([',', '"', '\n', '\r']) {
            write!(f, "\"{}\"", self.0.replace('"', "\"\""))
        } else {
            f.write_str(self.0)
        }
    }
}
