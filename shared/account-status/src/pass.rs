//! One pass over a file: from pieces of bytes to evidence.

use std::path::{Path, PathBuf};

use crate::body::{Body, Stage};
use crate::error::{Position, ReportError, ReportErrorKind};
use crate::evidence::{Evidence, Subject};
use crate::layout::{Layout, Sample};
use crate::records::{Record, Records};
use crate::repeats::Repeats;

/// What follows the end of a pass.
#[derive(Debug)]
pub enum Next {
    Done(Box<Evidence>),
    /// Something came twice: the file must be read again from its beginning.
    Again(Box<Pass>),
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
        if let (Some((position, cells)), true) = (body.ragged(), unterminated) {
            let kind = ReportErrorKind::CutOff { cells, expected: body.columns() };
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
