//! One pass over a file: from pieces of bytes to evidence.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use models::{AccountId, Coverage, Region};

use crate::error::{ReportError, ReportErrorKind, clip};
use crate::layout::{Grain, Layout, Sample};
use crate::places::{Accounts, Attributes, Regions};
use crate::records::{Position, Record, Records};
use crate::repeats::{Key, Repeats, Seen};
use crate::rows::{Constants, Place, Rows};
use crate::statistics::{Counted, Statistics};
use crate::value::{self, Reading, Unknown};

/// Whose evidence it is.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The object or file, for messages.
    pub object: String,
    pub run_id: String,
    /// When the report was made.
    pub observed_at: Option<Timestamp>,
}

/// What a file says.
#[derive(Debug)]
pub struct Evidence {
    pub layout: Layout,
    /// Records under the header.
    pub records: u64,
    /// Rows of the table.
    pub rows: u64,
    pub(crate) accounts: Vec<AccountId>,
    pub(crate) regions: Vec<Region>,
    pub(crate) attributes: Vec<String>,
    pub(crate) seen: Seen,
    pub(crate) statistics: Statistics,
    /// What could not be read, before anybody has said what was expected.
    pub(crate) gaps: Coverage,
    /// Rows or cells that came more than once.
    pub repeated: u64,
}

/// What follows the end of a pass.
#[derive(Debug)]
pub enum Next {
    Done(Box<Evidence>),
    /// Something came twice: the file must be read again from its beginning.
    Again(Box<Pass>),
}

/// What a pass is for.
#[derive(Debug)]
enum Stage {
    /// Writes the table, and notes what comes twice.
    First(Repeats),
    /// Compares the values of what comes twice.
    Compare(Repeats),
    /// Writes the table, each cell once.
    Last(Repeats),
}

/// A file being read.
#[derive(Debug)]
pub struct Pass {
    subject: Subject,
    table: PathBuf,
    records: Records,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Nothing is placed yet.
    Beginning {
        stage: Stage,
        header: Option<(Position, Vec<Vec<u8>>)>,
        sample: Sample,
        positions: Vec<Position>,
    },
    Reading(Box<Body>),
    /// Between the two, while one becomes the other.
    Moved,
}

impl Pass {
    /// Begins to read. The table is written to `table`, over whatever is there.
    pub fn new(subject: Subject, table: &Path) -> Self {
        Self::at(Stage::First(Repeats::default()), subject, table.to_owned())
    }

    fn at(stage: Stage, subject: Subject, table: PathBuf) -> Self {
        let records = Records::new(subject.object.clone());
        let state =
            State::Beginning { stage, header: None, sample: Sample::default(), positions: Vec::new() };
        Self { subject, table, records, state }
    }

    /// The error of a file that cannot be read.
    pub fn unreadable(&self, error: &dyn std::fmt::Display) -> ReportError {
        self.records.error_of_file(ReportErrorKind::Io(error.to_string()))
    }

    /// Takes the next piece of the file.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), ReportError> {
        let Self { subject, table, records, state } = self;
        records.feed(bytes, &mut |record| state.take(subject, table, &record, false))
    }

    /// Takes the end of the file.
    pub fn finish(mut self) -> Result<Next, ReportError> {
        let Self { subject, table, records, state } = &mut self;
        let unterminated = !records.is_terminated();
        records.finish(&mut |record| state.take(subject, table, &record, unterminated))?;
        if matches!(state, State::Beginning { .. }) {
            state.place(subject, table, None)?;
        }
        let State::Reading(body) = std::mem::replace(state, State::Moved) else {
            return Err(records.error_of_file(ReportErrorKind::Empty));
        };
        if let (Some((position, cells)), true) = (body.ragged, unterminated) {
            let kind = ReportErrorKind::CutOff { cells, expected: body.layout.header.len() };
            return Err(ReportError { object: subject.object.clone(), position: Some(position), kind });
        }
        let (evidence, stage) = body.finish().map_err(|kind| records.error_of_file(kind))?;
        Ok(match stage {
            Stage::First(repeats) if !repeats.is_empty() => {
                Next::Again(Box::new(Self::at(Stage::Compare(repeats), self.subject, self.table)))
            }
            Stage::Compare(repeats) => {
                Next::Again(Box::new(Self::at(Stage::Last(repeats.settle()), self.subject, self.table)))
            }
            Stage::First(_) | Stage::Last(_) => Next::Done(Box::new(evidence)),
        })
    }
}

impl State {
    fn take(
        &mut self,
        subject: &Subject,
        table: &Path,
        record: &Record<'_>,
        unterminated: bool,
    ) -> Result<(), ReportError> {
        let error =
            |kind| ReportError { object: subject.object.clone(), position: Some(record.position), kind };
        match self {
            Self::Reading(body) => body.row(record, unterminated).map_err(error),
            Self::Beginning { header: header @ None, .. } => {
                *header = Some((record.position, record.cells().map(<[u8]>::to_vec).collect()));
                Ok(())
            }
            Self::Beginning { sample, positions, .. } => {
                // The last record of a short file is not sampled: it may be cut off.
                if !unterminated {
                    sample.push(record);
                    positions.push(record.position);
                    if !sample.is_enough() {
                        return Ok(());
                    }
                    return self.place(subject, table, None);
                }
                self.place(subject, table, Some(record))
            }
            Self::Moved => Ok(()),
        }
    }

    /// Places the columns by the header and the sample, and reads the records kept so far.
    fn place(
        &mut self,
        subject: &Subject,
        table: &Path,
        last: Option<&Record<'_>>,
    ) -> Result<(), ReportError> {
        let of_file = |kind| ReportError { object: subject.object.clone(), position: None, kind };
        let Self::Beginning { stage, header, sample, positions } = std::mem::replace(self, Self::Moved)
        else {
            return Ok(());
        };
        let error =
            |position, kind| ReportError { object: subject.object.clone(), position: Some(position), kind };
        let (position, header) = header.ok_or_else(|| of_file(ReportErrorKind::Empty))?;
        let layout = Layout::place(&header, &sample)
            .map_err(|(problem, header)| error(position, ReportErrorKind::Unplaceable { problem, header }))?;
        let mut body = Body::new(layout, stage, subject, table).map_err(of_file)?;
        for (cells, position) in sample.0.iter().zip(positions) {
            let bytes: Vec<u8> = cells.concat();
            let ends: Vec<usize> = cells
                .iter()
                .scan(0, |end, cell| {
                    *end += cell.len();
                    Some(*end)
                })
                .collect();
            body.row(&Record::of(&bytes, &ends, position), false).map_err(|kind| error(position, kind))?;
        }
        if let Some(record) = last {
            body.row(record, true).map_err(|kind| error(record.position, kind))?;
        }
        *self = Self::Reading(Box::new(body));
        Ok(())
    }
}

/// A file whose columns are placed.
#[derive(Debug)]
struct Body {
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
    fn new(layout: Layout, stage: Stage, subject: &Subject, table: &Path) -> Result<Self, ReportErrorKind> {
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

    fn row(&mut self, record: &Record<'_>, unterminated: bool) -> Result<(), ReportErrorKind> {
        if record.len() == 1 && record.cell(0).trim_ascii().is_empty() {
            return Ok(());
        }
        self.records += 1;
        let expected = self.layout.header.len();
        if record.len() != expected {
            self.ragged = Some((record.position, record.len()));
            self.gaps.gap("row with another number of cells than the header", || {
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
        let last = record.len() - 1;
        if unterminated && (account_column == last || region_column == last) {
            // A shortened id could be somebody else's.
            self.gaps.gap("last row without a line end", || format!("{}", record.position));
            return Ok(None);
        }
        let shown = |column: usize| clip(&String::from_utf8_lossy(record.cell(column)), 40);
        let Some(account) = self.accounts.number(record.cell(account_column))? else {
            self.gaps.gap("row without an account id", || {
                format!("{}: {:?}", record.position, shown(account_column))
            });
            return Ok(None);
        };
        let Some(region) = self.regions.number(record.cell(region_column))? else {
            self.gaps.gap("row without a Region", || {
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
        let repeats = match stage {
            Stage::First(repeats) if again => return repeats.add(key),
            Stage::Last(_) if again => return Ok(()),
            Stage::First(_) => None,
            Stage::Last(repeats) => repeats.has(key).then_some(&*repeats),
            Stage::Compare(repeats) => {
                if repeats.has(key) {
                    let values = attributes.iter().map(|(column, name)| readable(name, record.cell(*column)));
                    repeats.compare(key, values.collect());
                }
                return Ok(());
            }
        };
        let Some(rows) = rows else { return Ok(()) };
        let last = record.len() - 1;
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
            self.gaps.gap("row without an attribute", || format!("{}", record.position));
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
        let again = seen.cell(account, region, attribute);
        let name = &attributes.names()[attribute as usize];
        let contradicts = match stage {
            Stage::First(repeats) if again => return repeats.add(key),
            Stage::Last(_) if again => return Ok(()),
            Stage::First(_) => false,
            Stage::Last(repeats) => repeats.contradicts(key, 0),
            Stage::Compare(repeats) => {
                if repeats.has(key) {
                    repeats.compare(key, vec![readable(name, cell)]);
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

    fn finish(self) -> Result<(Evidence, Stage), ReportErrorKind> {
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
    if doubt.cut {
        // A value that occurs elsewhere too was most likely not cut.
        let known = match value::read(name, cell) {
            Reading::Value(value) => statistics.attribute(attribute).knows(&value),
            Reading::Unknown(_) => true,
        };
        if !known {
            return rows.add_unlisted(attribute, cell, None, Counted::Unknown(Unknown::CutOff));
        }
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

/// The canonical value, or nothing when it is unknown.
fn readable(name: &str, cell: &[u8]) -> Option<String> {
    match value::read(name, cell) {
        Reading::Value(value) => Some(value.into_owned()),
        Reading::Unknown(_) => None,
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
