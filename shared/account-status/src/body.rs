//! The rows of a file whose columns are placed: to cells, each counted and written once.

use std::path::Path;

use models::{AccountId, Coverage, Region};

use crate::error::{Position, ReportErrorKind, clip};
use crate::evidence::{Evidence, Subject};
use crate::layout::{Grain, Layout};
use crate::places::{Accounts, Attributes, Regions};
use crate::reasons;
use crate::records::Record;
use crate::repeats::{Key, Repeats, Seen};
use crate::rows::{Constants, Place, Rows};
use crate::statistics::{Attribute, Counted, Statistics};
use crate::value::{self, Reading, Unknown};

/// What a pass is for.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Writes the table, and notes what comes twice.
    First(Repeats),
    /// Compares the values of what comes twice.
    Compare(Repeats),
    /// Writes the table, each cell once.
    Last(Repeats),
}

/// A file whose columns are placed.
#[derive(Debug)]
pub(crate) struct Body {
    layout: Layout,
    stage: Stage,
    accounts: Accounts,
    regions: Regions,
    attributes: Attributes,
    seen: Seen,
    statistics: Statistics,
    gaps: Coverage,
    /// `None` while only repeats are compared.
    rows: Option<Rows>,
    records: u64,
    /// The last record, if it has another number of cells than the header.
    ragged: Option<(Position, usize)>,
}

/// Where a row belongs.
#[derive(Debug, Clone, Copy)]
struct Placed {
    account: u32,
    region: u32,
}

impl Body {
    pub(crate) fn new(
        layout: Layout,
        stage: Stage,
        subject: &Subject,
        table: &Path,
    ) -> Result<Self, ReportErrorKind> {
        let names = match &layout.grain {
            Grain::Wide { attributes } => attributes.iter().map(|(_, name)| name.clone()).collect(),
            Grain::Long { .. } => Vec::new(),
        };
        let constants = Constants {
            run_id: subject.run_id.clone(),
            observed_at: subject.observed_at,
            layout_hash: layout.hash.clone(),
        };
        let rows = match &stage {
            Stage::Compare(_) => None,
            Stage::First(_) | Stage::Last(_) => Some(Rows::new(table, constants, names.len()).map_err(io)?),
        };
        Ok(Self {
            attributes: Attributes::of(names),
            layout,
            stage,
            accounts: Accounts::default(),
            regions: Regions::default(),
            seen: Seen::default(),
            statistics: Statistics::default(),
            gaps: Coverage::default(),
            rows,
            records: 0,
            ragged: None,
        })
    }

    /// Takes a row. `unterminated`: it is the last, and no line end follows it.
    pub(crate) fn row(&mut self, record: &Record<'_>, unterminated: bool) -> Result<(), ReportErrorKind> {
        if record.len() == 1 && record.cell(0).trim_ascii().is_empty() {
            return Ok(());
        }
        self.records += 1;
        let expected = self.layout.header.len();
        if record.len() != expected {
            self.ragged = Some((record.position, record.len()));
            self.gaps.gap(reasons::ROW_OF_ANOTHER_LENGTH, || {
                format!("{}: {} of {expected} cells", record.position, record.len())
            });
            return Ok(());
        }
        self.ragged = None;
        let Some(placed) = self.place(record, unterminated)? else { return Ok(()) };
        match self.layout.grain {
            Grain::Wide { .. } => self.wide(record, placed, unterminated),
            Grain::Long { .. } => self.long(record, placed, unterminated),
        }
    }

    /// The account and Region of a row; nothing when it names none.
    fn place(&mut self, record: &Record<'_>, unterminated: bool) -> Result<Option<Placed>, ReportErrorKind> {
        let (account_column, region_column) = (self.layout.account, self.layout.region);
        let attribute_column = match &self.layout.grain {
            Grain::Long { attribute, .. } => Some(*attribute),
            Grain::Wide { .. } => None,
        };
        let last = record.len() - 1;
        if unterminated && [Some(account_column), Some(region_column), attribute_column].contains(&Some(last))
        {
            // A shortened id could be somebody else's, a shortened name another attribute's.
            self.gaps.gap(reasons::LAST_ROW_WITHOUT_A_LINE_END, || format!("{}", record.position));
            return Ok(None);
        }
        let shown = |column: usize| clip(&String::from_utf8_lossy(record.cell(column)), 40);
        let Some(account) = self.accounts.number(record.cell(account_column))? else {
            self.gaps.gap(reasons::ROW_WITHOUT_AN_ACCOUNT_ID, || {
                format!("{}: {:?}", record.position, shown(account_column))
            });
            return Ok(None);
        };
        let Some(region) = self.regions.number(record.cell(region_column))? else {
            self.gaps.gap(reasons::ROW_WITHOUT_A_REGION, || {
                format!("{}: account {}, {:?}", record.position, shown(account_column), shown(region_column))
            });
            return Ok(None);
        };
        Ok(Some(Placed { account, region }))
    }

    fn wide(
        &mut self,
        record: &Record<'_>,
        placed: Placed,
        unterminated: bool,
    ) -> Result<(), ReportErrorKind> {
        let Self {
            layout, stage, accounts, regions, attributes: names, seen, statistics, gaps, rows, ..
        } = self;
        let Grain::Wide { attributes } = &layout.grain else { return Ok(()) };
        let Placed { account, region } = placed;
        let key = Key { account, region, attribute: None };
        let again = seen.row(account, region);
        let last = record.len() - 1;
        let repeats = match stage {
            Stage::First(repeats) if again => return repeats.add(key),
            Stage::Last(_) if again => return Ok(()),
            Stage::First(_) => None,
            Stage::Last(repeats) => repeats.has(key).then_some(&*repeats),
            Stage::Compare(repeats) => {
                if repeats.has(key) {
                    let values = attributes.iter().map(|(column, name)| {
                        readable(name, record.cell(*column), unterminated && *column == last)
                    });
                    return repeats.compare(key, values.collect());
                }
                return Ok(());
            }
        };
        let Some(rows) = rows else { return Ok(()) };
        for (index, (column, name)) in attributes.iter().enumerate() {
            let attribute = u32::try_from(index).unwrap_or(u32::MAX);
            let cell = record.cell(*column);
            let doubt = Doubt {
                contradicts: repeats.is_some_and(|repeats| repeats.contradicts(key, index)),
                cut: unterminated && *column == last,
            };
            let number = number(rows, statistics, attribute, name, cell, doubt);
            let counted = rows.counted(number);
            statistics.attribute(attribute).count(account, region, counted);
            if let Counted::Unknown(why) = counted {
                note_unknown(gaps, why, accounts, regions, placed, name, cell);
            }
            rows.push(number);
        }
        let count = u32::try_from(attributes.len()).unwrap_or(u32::MAX);
        rows.placed(place_of(accounts, account), region_of(regions, region), count, names.names()).map_err(io)
    }

    fn long(
        &mut self,
        record: &Record<'_>,
        placed: Placed,
        unterminated: bool,
    ) -> Result<(), ReportErrorKind> {
        let Grain::Long { attribute, value, others } = &self.layout.grain else { return Ok(()) };
        let Some(main) = self.attributes.number(record.cell(*attribute))? else {
            self.gaps.gap(reasons::ROW_WITHOUT_AN_ATTRIBUTE, || format!("{}", record.position));
            return Ok(());
        };
        self.seen.row(placed.account, placed.region);
        let last = record.len() - 1;
        let (value, others) = (*value, others.clone());
        self.long_cell(record.cell(value), placed, main, unterminated && value == last)?;
        for (column, other) in others {
            let name = format!("{}.{other}", self.attributes.names()[main as usize]);
            let attribute = self.attributes.named(name)?;
            self.long_cell(record.cell(column), placed, attribute, unterminated && column == last)?;
        }
        Ok(())
    }

    fn long_cell(
        &mut self,
        cell: &[u8],
        placed: Placed,
        attribute: u32,
        cut: bool,
    ) -> Result<(), ReportErrorKind> {
        let Self { stage, accounts, regions, attributes, seen, statistics, gaps, rows, .. } = self;
        let Placed { account, region } = placed;
        let key = Key { account, region, attribute: Some(attribute) };
        let again = seen.cell(account, region, attribute)?;
        let name = &attributes.names()[attribute as usize];
        let contradicts = match stage {
            Stage::First(repeats) if again => return repeats.add(key),
            Stage::Last(_) if again => return Ok(()),
            Stage::First(_) => false,
            Stage::Last(repeats) => repeats.contradicts(key, 0),
            Stage::Compare(repeats) => {
                if repeats.has(key) {
                    return repeats.compare(key, vec![readable(name, cell, cut)]);
                }
                return Ok(());
            }
        };
        let Some(rows) = rows else { return Ok(()) };
        let number = number(rows, statistics, attribute, name, cell, Doubt { contradicts, cut });
        let counted = rows.counted(number);
        statistics.attribute(attribute).count(account, region, counted);
        if let Counted::Unknown(why) = counted {
            note_unknown(gaps, why, accounts, regions, placed, name, cell);
        }
        rows.push_of(attribute, number);
        rows.placed(place_of(accounts, account), region_of(regions, region), 1, attributes.names())
            .map_err(io)
    }

    /// Where the last record is and how many cells it has, if that is another number than the header's.
    pub(crate) fn ragged(&self) -> Option<(Position, usize)> {
        self.ragged
    }

    /// The cells that each record has.
    pub(crate) fn columns(&self) -> usize {
        self.layout.header.len()
    }

    pub(crate) fn finish(self) -> Result<(Evidence, Stage), ReportErrorKind> {
        let rows = match self.rows {
            None => 0,
            Some(rows) => rows.finish(self.attributes.names()).map_err(io)?,
        };
        let repeated = match &self.stage {
            Stage::Last(repeats) => repeats.count(),
            Stage::First(_) | Stage::Compare(_) => 0,
        };
        let evidence = Evidence {
            records: self.records,
            rows,
            accounts: self.accounts.ids().to_vec(),
            regions: self.regions.names().to_vec(),
            attributes: self.attributes.names().to_vec(),
            layout: self.layout,
            seen: self.seen,
            statistics: self.statistics,
            gaps: self.gaps,
            repeated,
        };
        Ok((evidence, self.stage))
    }
}

fn io(error: impl std::fmt::Display) -> ReportErrorKind {
    ReportErrorKind::Io(error.to_string())
}

/// Why a cell may not be believed although it can be read.
#[derive(Debug, Clone, Copy)]
struct Doubt {
    /// The same cell comes again with another value.
    contradicts: bool,
    /// The file ends right behind it, without a line end.
    cut: bool,
}

/// The batch's number of a cell's value.
#[inline]
fn number(
    rows: &mut Rows,
    statistics: &mut Statistics,
    attribute: u32,
    name: &str,
    cell: &[u8],
    doubt: Doubt,
) -> u32 {
    if doubt.contradicts {
        return rows.add_unlisted(attribute, cell, None, Counted::Unknown(Unknown::Contradiction));
    }
    if doubt.cut && !is_whole(statistics.attribute(attribute), name, cell) {
        return rows.add_unlisted(attribute, cell, None, Counted::Unknown(Unknown::CutOff));
    }
    if let Some(number) = rows.find(attribute, cell) {
        return number;
    }
    match value::read(name, cell) {
        Reading::Value(value) => {
            let counted = statistics.number(attribute, &value);
            rows.add(attribute, cell, Some(&value), counted)
        }
        Reading::Unknown(why) => rows.add(attribute, cell, None, Counted::Unknown(why)),
    }
}

/// Whether a cell that the file ends behind is believed: its value occurs elsewhere, and it is not what
/// is left of another one. Every beginning of a number is a number, so no number is believed. What is
/// unknown for another reason keeps that one.
fn is_whole(of: &Attribute, name: &str, cell: &[u8]) -> bool {
    let Reading::Value(value) = value::read(name, cell) else { return true };
    of.knows(&value) && of.tells_all_apart() && !of.values().any(|known| value::may_begin(cell, known))
}

/// The canonical value, or nothing when it is unknown. A repeated cell that may be cut off agrees with
/// nothing: while repeats are compared, it is not yet clear what else occurs.
fn readable(name: &str, cell: &[u8], cut: bool) -> Option<Box<str>> {
    match value::read(name, cell) {
        Reading::Value(value) if !cut => Some(value.into()),
        Reading::Value(_) | Reading::Unknown(_) => None,
    }
}

fn place_of(accounts: &Accounts, number: u32) -> Place<'_> {
    Place { number, text: accounts.ids().get(number as usize).map_or("", AccountId::as_str) }
}

fn region_of(regions: &Regions, number: u32) -> Place<'_> {
    Place { number, text: regions.names().get(number as usize).map_or("", Region::as_str) }
}

fn note_unknown(
    gaps: &mut Coverage,
    why: Unknown,
    accounts: &Accounts,
    regions: &Regions,
    placed: Placed,
    name: &str,
    cell: &[u8],
) {
    gaps.gap(why.as_str(), || {
        let (account, region) =
            (place_of(accounts, placed.account).text, region_of(regions, placed.region).text);
        let shown = clip(&String::from_utf8_lossy(cell), 60);
        format!("account {account}, {region}, {name}: {shown:?}")
    });
}
