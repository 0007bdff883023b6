//! From bytes to records.
//!
//! Parsing is the `csv-core` crate's. It is fed piece by piece, as a download delivers them, so its
//! state machine is used directly; what is added are positions, limits, and the signs of a file that
//! was cut off.

use std::fmt;

use csv_core::{ReadRecordResult, Reader};

use crate::error::{Position, ReportError, ReportErrorKind};
use crate::quotes::Quotes;

/// The largest cell.
pub(crate) const CELL_LIMIT: usize = 1024 * 1024;
/// The largest record.
const RECORD_LIMIT: usize = 16 * 1024 * 1024;
/// The most cells of a record: more than the most attributes, so that too many are counted and not
/// just refused.
const CELLS_LIMIT: usize = 16 * 1024;

/// The longest beginning by which a file is told to be something else.
const MARK: usize = 4;

/// One record's cells.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Record<'a> {
    bytes: &'a [u8],
    ends: &'a [usize],
    pub(crate) position: Position,
}

impl<'a> Record<'a> {
    /// A record from cells that lie one behind the other, each up to its end.
    pub(crate) fn of(bytes: &'a [u8], ends: &'a [usize], position: Position) -> Self {
        Self { bytes, ends, position }
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The cell at `index`, which must be below [`Record::len`]; empty beyond it.
    #[inline]
    pub(crate) fn cell(&self, index: usize) -> &'a [u8] {
        let from = if index == 0 { 0 } else { self.ends.get(index - 1).copied().unwrap_or(0) };
        let end = self.ends.get(index).copied().unwrap_or(from);
        &self.bytes[from..end]
    }

    pub(crate) fn cells(&self) -> impl Iterator<Item = &'a [u8]> {
        let record = *self;
        (0..self.len()).map(move |index| record.cell(index))
    }
}

/// Reads records from pieces of a file.
pub(crate) struct Records {
    object: String,
    reader: Reader,
    /// The first bytes, until it is clear whether they are a byte order mark.
    head: Option<Vec<u8>>,
    output: Vec<u8>,
    ends: Vec<usize>,
    filled: usize,
    ended: usize,
    start: Position,
    byte: u64,
    /// Whether the next byte begins a record or is a line end in front of one.
    between: bool,
    /// Line ends that the parser did not count: those between records, and each lone CR.
    uncounted_lines: u64,
    quotes: Quotes,
    /// The byte where a quote is not where it belongs.
    stray: Option<u64>,
    last_byte: u8,
    records: u64,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records")
            .field("object", &self.object)
            .field("records", &self.records)
            .finish_non_exhaustive()
    }
}

impl Records {
    pub(crate) fn new(object: String) -> Self {
        Self {
            object,
            reader: Reader::new(),
            head: Some(Vec::new()),
            output: vec![0; 64 * 1024],
            ends: vec![0; 256],
            filled: 0,
            ended: 0,
            start: Position { line: 1, byte: 0, record: 1 },
            byte: 0,
            between: true,
            uncounted_lines: 0,
            quotes: Quotes::default(),
            stray: None,
            last_byte: b'\n',
            records: 0,
        }
    }

    /// Whether the bytes so far end with a line end.
    pub(crate) fn is_terminated(&self) -> bool {
        matches!(self.last_byte, b'\n' | b'\r')
    }

    pub(crate) fn error(&self, kind: ReportErrorKind) -> ReportError {
        ReportError { object: self.object.clone(), position: Some(self.start), kind }
    }

    pub(crate) fn error_of_file(&self, kind: ReportErrorKind) -> ReportError {
        ReportError { object: self.object.clone(), position: None, kind }
    }

    /// Takes the next piece of the file and hands on the records that are whole.
    pub(crate) fn feed(
        &mut self,
        input: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        let joined;
        let mut rest = input;
        if let Some(mut head) = self.head.take() {
            head.extend_from_slice(input);
            if head.len() < MARK {
                self.head = Some(head);
                return Ok(());
            }
            joined = head;
            rest = self.without_mark(&joined)?;
        }
        self.take(rest, each)
    }

    fn take(
        &mut self,
        mut input: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        if self.stray.is_none() {
            self.stray = self.quotes.take(input).map(|at| self.byte + at as u64);
        }
        while !input.is_empty() {
            if self.between {
                input = self.skip_line_ends(input);
                continue;
            }
            let consumed = self.step(input, each)?;
            self.last_byte = input[..consumed].last().copied().unwrap_or(self.last_byte);
            input = &input[consumed..];
        }
        Ok(())
    }

    /// Skips the line ends in front of a record, as the parser would, so that the record's place is
    /// its own; answers the rest.
    fn skip_line_ends<'b>(&mut self, input: &'b [u8]) -> &'b [u8] {
        for (index, &byte) in input.iter().enumerate() {
            match byte {
                // The second half of the line end before.
                b'\n' if self.last_byte == b'\r' => {}
                b'\n' | b'\r' => self.uncounted_lines += 1,
                _ => {
                    let line = self.reader.line() + self.uncounted_lines;
                    self.start = Position { line, byte: self.byte, record: self.records + 1 };
                    self.between = false;
                    return &input[index..];
                }
            }
            self.byte += 1;
            self.last_byte = byte;
        }
        &[]
    }

    /// Takes the end of the file and hands on the last record.
    pub(crate) fn finish(
        &mut self,
        each: &mut impl FnMut(Record<'_>) -> Result<(), ReportError>,
    ) -> Result<(), ReportError> {
        if let Some(head) = self.head.take() {
            let rest = self.without_mark(&head)?.to_vec();
            self.take(&rest, each)?;
        }
        if self.between && self.records == 0 {
            return Err(self.error_of_file(ReportErrorKind::Empty));
        }
        if self.quotes.is_open() {
            return Err(self.error(ReportErrorKind::UnclosedQuote));
        }
        // The end of input, repeated until the reader has no record left.
        while self.step(&[], each)? > 0 || self.filled > 0 || self.ended > 0 {}
        Ok(())
    }

    fn without_mark<'b>(&mut self, bytes: &'b [u8]) -> Result<&'b [u8], ReportError> {
        if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
            return Err(
                self.error_of_file(ReportErrorKind::NotText("it begins with the byte order mark of UTF-16"))
            );
        }
        if bytes.starts_with(b"PK\x03\x04") {
            return Err(
                self.error_of_file(ReportErrorKind::NotText("it is a ZIP archive, such as a spreadsheet's"))
            );
        }
        if bytes.starts_with(&[0x1F, 0x8B]) {
            return Err(self.error_of_file(ReportErrorKind::NotText("it is compressed with gzip")));
        }
        let rest = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        self.byte = (bytes.len() - rest.len()) as u64;
        Ok(rest)
    }

    /// One call of the parser; answers how many bytes it took.
    fn step(
        &mut self,
        input: &[u8],
        each: &mut impl FnMut(Record<'_>) -> Result<(), ReportError>,
    ) -> Result<usize, ReportError> {
        let (result, consumed, written, ended) =
            self.reader.read_record(input, &mut self.output[self.filled..], &mut self.ends[self.ended..]);
        self.byte += consumed as u64;
        self.filled += written;
        self.ended += ended;
        if self.stray.is_some_and(|at| at < self.byte) {
            return Err(self.error(ReportErrorKind::StrayQuote));
        }
        match result {
            ReadRecordResult::InputEmpty => {}
            ReadRecordResult::OutputFull => {
                if self.output.len() >= RECORD_LIMIT {
                    return Err(self.error(ReportErrorKind::TooLarge { what: "record", limit: RECORD_LIMIT }));
                }
                let larger = (self.output.len() * 2).min(RECORD_LIMIT);
                self.output.resize(larger, 0);
            }
            ReadRecordResult::OutputEndsFull => {
                if self.ends.len() >= CELLS_LIMIT {
                    return Err(self.error(ReportErrorKind::TooMany {
                        what: "cells in one record",
                        limit: CELLS_LIMIT,
                    }));
                }
                let larger = (self.ends.len() * 2).min(CELLS_LIMIT);
                self.ends.resize(larger, 0);
            }
            ReadRecordResult::Record => {
                let record = Record {
                    bytes: &self.output[..self.filled],
                    ends: &self.ends[..self.ended],
                    position: self.start,
                };
                if self.filled > CELL_LIMIT && record.cells().any(|cell| cell.len() > CELL_LIMIT) {
                    return Err(self.error(ReportErrorKind::TooLarge { what: "cell", limit: CELL_LIMIT }));
                }
                each(record)?;
                self.records += 1;
                (self.filled, self.ended) = (0, 0);
                self.between = true;
                self.uncounted_lines += u64::from(input[..consumed].last() == Some(&b'\r'));
            }
            ReadRecordResult::End => (self.filled, self.ended) = (0, 0),
        }
        Ok(consumed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The records, and whether the last one has a line end.
    fn read(pieces: &[&[u8]]) -> Result<(Vec<Vec<String>>, bool), ReportError> {
        let mut records = Records::new("test.csv".into());
        let mut rows = Vec::new();
        let mut each = |record: Record<'_>| {
            rows.push(record.cells().map(|cell| String::from_utf8_lossy(cell).into_owned()).collect());
            Ok(())
        };
        for piece in pieces {
            records.feed(piece, &mut each)?;
        }
        records.finish(&mut each)?;
        Ok((rows, records.is_terminated()))
    }

    #[test]
    fn records_are_the_same_however_the_file_is_cut_into_pieces() {
        let text = "\u{feff}a,\"b\nc\"\r\n1,\"say \"\"x\"\"\"\r\n\r\n2,ü\n";
        let whole = read(&[text.as_bytes()]).unwrap();
        assert_eq!(whole.0, [["a", "b\nc"], ["1", "say \"x\""], ["2", "ü"]]);
        for cut in 0..text.len() {
            let (left, right) = text.as_bytes().split_at(cut);
            assert_eq!(read(&[left, right]).unwrap(), whole, "cut at {cut}");
        }
        let bytes: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        assert_eq!(read(&bytes).unwrap(), whole);
    }

    #[test]
    fn every_line_end_is_one() {
        for end in ["\n", "\r\n", "\r"] {
            let (rows, terminated) = read(&[format!("a{end}b{end}").as_bytes()]).unwrap();
            assert_eq!((rows, terminated), (vec![vec!["a".to_owned()], vec!["b".into()]], true));
        }
        assert!(!read(&[b"a\nb"]).unwrap().1);
    }

    #[test]
    fn files_that_are_no_csv_say_what_they_are() {
        let kind = |bytes: &[u8]| read(&[bytes]).unwrap_err().kind;
        assert_eq!(kind(b""), ReportErrorKind::Empty);
        assert_eq!(kind(b"\xEF\xBB\xBF"), ReportErrorKind::Empty);
        assert!(matches!(kind(b"\xFF\xFEa\0"), ReportErrorKind::NotText(_)));
        assert!(matches!(kind(b"PK\x03\x04zip"), ReportErrorKind::NotText(_)));
        assert!(matches!(kind(b"\x1F\x8B\x08"), ReportErrorKind::NotText(_)));
        assert_eq!(kind(b"a,b\n1,\"2\n3,4\n"), ReportErrorKind::UnclosedQuote);
    }

    #[test]
    fn what_a_file_begins_with_is_seen_however_its_bytes_arrive() {
        for bytes in
            [&b"PK\x03\x04zip"[..], b"\xFF\xFEa\0", b"\x1F\x8B\x08x", b"\xEF\xBB\xBFa\n1\n", b"a", b"a\nb"]
        {
            let whole = read(&[bytes]).map_err(|error| error.to_string());
            for cut in 0..bytes.len() {
                let (left, right) = bytes.split_at(cut);
                assert_eq!(read(&[left, right]).map_err(|error| error.to_string()), whole, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_cell_of_one_mib_is_read_and_a_larger_one_is_refused_with_its_place() {
        let cell = "x".repeat(CELL_LIMIT);
        assert_eq!(read(&[format!("a\n{cell}\n").as_bytes()]).unwrap().0[1][0].len(), CELL_LIMIT);
        let error = read(&[format!("a\n{cell}x\n").as_bytes()]).unwrap_err();
        assert_eq!(error.position, Some(Position { line: 2, byte: 2, record: 2 }));
        let error = read(&[format!("a\n\"{}", "x".repeat(RECORD_LIMIT + 1)).as_bytes()]).unwrap_err();
        assert!(matches!(error.kind, ReportErrorKind::TooLarge { what: "record", .. }), "{error}");
    }
}
