//! The bytes of a column chunk: one dictionary page, then data pages of codes.
//!
//! A data page of a dictionary-encoded column is the codes' bit width and then runs: a run of one
//! code is written once, others are packed eight at a time. An optional column has a run for which
//! rows have a value in front. (Parquet format, "Run Length Encoding / Bit-Packing Hybrid".)

use std::io;

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter};
use parquet::column::writer::ColumnCloseResult;
use parquet::data_type::ByteArray;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::{Chunk, Codes, Column, Dictionary, NULL, TableError};

/// Rows of a page. Large enough that its header costs nothing, small enough to stay in the cache.
const PAGE_ROWS: usize = 128 * 1024;

/// Texts longer than this are left out of the chunk's statistics.
const STATISTICS_BYTES: usize = 64;

/// Codes below this have a bit of their own in a machine word.
const FEW: usize = 63;

/// Makes column chunks; keeps the compressor and its buffers.
pub(super) struct Pages {
    compressor: zstd::bulk::Compressor<'static>,
    raw: Vec<u8>,
}

impl std::fmt::Debug for Pages {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pages").finish_non_exhaustive()
    }
}

impl Pages {
    pub(super) fn new() -> io::Result<Self> {
        // Level 1: what is left after the dictionaries compresses well at any level.
        Ok(Self { compressor: zstd::bulk::Compressor::new(1)?, raw: Vec::new() })
    }

    /// A column's chunk of a row group, and what the footer says of it.
    pub(super) fn chunk(
        &mut self,
        column: &Column,
        descriptor: ColumnDescPtr,
        rows: usize,
        chunk: &Chunk<'_>,
    ) -> Result<(Bytes, ColumnCloseResult), TableError> {
        let misfit = |given, problem| TableError::Misfit { column: column.name, given, problem };
        let mut written = Written::default();
        let mut nulls = 0;
        let mut statistics = None;
        if !column.takes(chunk) {
            return Err(misfit(rows, "the chunk is not of the column's kind"));
        }
        match chunk {
            Chunk::Booleans(values) => {
                if values.len() != rows {
                    return Err(misfit(values.len(), "a boolean for each row is needed"));
                }
                for page in values.chunks(PAGE_ROWS) {
                    self.raw.clear();
                    self.raw.extend(page.chunks(8).map(|eight| {
                        eight
                            .iter()
                            .enumerate()
                            .fold(0, |byte, (bit, &value)| byte | (u8::from(value) << bit))
                    }));
                    self.data_page(&mut written, page.len(), Encoding::PLAIN)?;
                }
            }
            Chunk::Coded(dictionary, codes) => {
                let size = dictionary_size(dictionary);
                let covered = codes.rows(rows);
                if covered != rows {
                    return Err(misfit(covered, "a code for each row is needed"));
                }
                let used = codes
                    .used(size, column.optional)
                    .map_err(|code| misfit(code as usize, "the code is not in the dictionary"))?;
                statistics = Some(bounds(dictionary, &used));
                self.raw.clear();
                plain(dictionary, &mut self.raw);
                self.dictionary_page(&mut written, size)?;
                let width = bit_width(size);
                let mut cursor = Cursor::new(*codes);
                let mut left = rows;
                while left > 0 {
                    let page = left.min(PAGE_ROWS);
                    self.raw.clear();
                    nulls += coded_page(&mut self.raw, &mut cursor, page, width, column.optional);
                    self.data_page(&mut written, page, Encoding::RLE_DICTIONARY)?;
                    left -= page;
                }
            }
        }
        written.close(descriptor, rows, nulls, statistics)
    }

    fn dictionary_page(&mut self, written: &mut Written, values: usize) -> Result<(), TableError> {
        let page = Page::DictionaryPage {
            buf: self.compressor.compress(&self.raw)?.into(),
            num_values: u32::try_from(values).unwrap_or(u32::MAX),
            encoding: Encoding::PLAIN,
            is_sorted: false,
        };
        written.put(page, self.raw.len(), Encoding::PLAIN)
    }

    fn data_page(
        &mut self,
        written: &mut Written,
        values: usize,
        encoding: Encoding,
    ) -> Result<(), TableError> {
        let page = Page::DataPage {
            buf: self.compressor.compress(&self.raw)?.into(),
            num_values: u32::try_from(values).unwrap_or(u32::MAX),
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        written.put(page, self.raw.len(), encoding)
    }
}

/// The pages of a chunk so far.
struct Written {
    sink: TrackedWrite<Vec<u8>>,
    dictionary: Option<u64>,
    first_data: Option<u64>,
    compressed: u64,
    uncompressed: u64,
    encodings: Vec<Encoding>,
}

impl Default for Written {
    fn default() -> Self {
        Self {
            sink: TrackedWrite::new(Vec::new()),
            dictionary: None,
            first_data: None,
            compressed: 0,
            uncompressed: 0,
            encodings: vec![Encoding::RLE],
        }
    }
}

impl Written {
    fn put(&mut self, page: Page, uncompressed: usize, encoding: Encoding) -> Result<(), TableError> {
        let is_dictionary = matches!(page, Page::DictionaryPage { .. });
        let spec =
            SerializedPageWriter::new(&mut self.sink).write_page(CompressedPage::new(page, uncompressed))?;
        let place = if is_dictionary { &mut self.dictionary } else { &mut self.first_data };
        place.get_or_insert(spec.offset);
        self.compressed += spec.compressed_size as u64;
        self.uncompressed += spec.uncompressed_size as u64;
        if !self.encodings.contains(&encoding) {
            self.encodings.push(encoding);
        }
        Ok(())
    }

    fn close(
        self,
        descriptor: ColumnDescPtr,
        rows: usize,
        nulls: u64,
        statistics: Option<Bounds>,
    ) -> Result<(Bytes, ColumnCloseResult), TableError> {
        let number = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let mut metadata = ColumnChunkMetaData::builder(descriptor)
            .set_compression(Compression::ZSTD(Default::default()))
            .set_encodings(self.encodings)
            .set_num_values(i64::try_from(rows).unwrap_or(i64::MAX))
            .set_total_compressed_size(number(self.compressed))
            .set_total_uncompressed_size(number(self.uncompressed))
            .set_data_page_offset(number(self.first_data.unwrap_or(0)))
            .set_dictionary_page_offset(self.dictionary.map(number));
        metadata = match statistics {
            Some(Bounds::Texts(bounds)) => {
                let (least, most) = bounds.unzip();
                metadata.set_statistics(Statistics::byte_array(least, most, None, Some(nulls), false))
            }
            Some(Bounds::Integers(bounds)) => {
                let (least, most) = bounds.unzip();
                metadata.set_statistics(Statistics::int64(least, most, None, Some(nulls), false))
            }
            None => metadata,
        };
        let bytes = Bytes::from(self.sink.into_inner()?);
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata: metadata.build()?,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes, close))
    }
}

/// The least and the greatest value; nothing where no row has one, or where they are too long.
enum Bounds {
    Texts(Option<(ByteArray, ByteArray)>),
    Integers(Option<(i64, i64)>),
}

/// Of the values that rows have: a reader may answer `min()` from the footer alone, and a dictionary
/// may hold more.
fn bounds(dictionary: &Dictionary<'_>, used: &[bool]) -> Bounds {
    match dictionary {
        Dictionary::Integers(values) => {
            let values = || values.iter().zip(used).filter_map(|(value, used)| used.then_some(*value));
            Bounds::Integers(values().min().zip(values().max()))
        }
        Dictionary::Texts(texts) => {
            let texts = || texts.iter().zip(used).filter_map(|(text, used)| used.then_some(text));
            let bounds = texts().min().zip(texts().max());
            let short = bounds.filter(|(least, most)| least.len().max(most.len()) <= STATISTICS_BYTES);
            Bounds::Texts(short.map(|(least, most)| (least.to_vec().into(), most.to_vec().into())))
        }
    }
}

fn dictionary_size(dictionary: &Dictionary<'_>) -> usize {
    match dictionary {
        Dictionary::Texts(texts) => texts.len(),
        Dictionary::Integers(values) => values.len(),
    }
}

/// The values as Parquet's PLAIN encoding has them.
fn plain(dictionary: &Dictionary<'_>, out: &mut Vec<u8>) {
    match dictionary {
        Dictionary::Integers(values) => out.extend(values.iter().flat_map(|value| value.to_le_bytes())),
        Dictionary::Texts(texts) => {
            for text in texts.iter() {
                out.extend(u32::try_from(text.len()).unwrap_or(u32::MAX).to_le_bytes());
                out.extend_from_slice(text);
            }
        }
    }
}

/// Bits that every code of a dictionary of this size fits in.
fn bit_width(size: usize) -> u32 {
    usize::BITS - size.saturating_sub(1).leading_zeros()
}

impl Codes<'_> {
    /// The rows the codes speak of, where `rows` are asked for.
    fn rows(&self, rows: usize) -> usize {
        match self {
            Self::Constant(_) => rows,
            Self::Runs(runs) => runs.iter().map(|(_, count)| *count as usize).sum(),
            Self::Cycle(codes) if !codes.is_empty() && rows.is_multiple_of(codes.len()) => rows,
            Self::Cycle(codes) => codes.len(),
            Self::Each(codes) => codes.len(),
        }
    }

    /// Which values of a dictionary of this size rows have; a code that is not in it is the error.
    fn used(&self, size: usize, optional: bool) -> Result<Vec<bool>, u32> {
        let mut used = vec![false; size];
        let mut mark = |code: u32| match used.get_mut(code as usize) {
            Some(used) => {
                *used = true;
                Ok(())
            }
            None if optional && code == NULL => Ok(()),
            None => Err(code),
        };
        match self {
            Self::Constant(code) => mark(*code)?,
            Self::Runs(runs) => runs.iter().try_for_each(|(code, _)| mark(*code))?,
            Self::Cycle(codes) | Self::Each(codes) if size < FEW => {
                // A row at a time this would cost as much as writing it: a bit for each value, and
                // one for all the codes beyond.
                let bits = codes.iter().fold(0_u64, |bits, code| bits | 1 << (*code).min(FEW as u32));
                (0..size as u32).filter(|code| bits >> code & 1 == 1).try_for_each(&mut mark)?;
                if bits >> size != 0 {
                    codes.iter().filter(|code| **code as usize >= size).try_for_each(|code| mark(*code))?;
                }
            }
            Self::Cycle(codes) | Self::Each(codes) => codes.iter().try_for_each(|code| mark(*code))?,
        }
        Ok(used)
    }
}

/// Goes through codes from page to page.
struct Cursor<'a> {
    codes: Codes<'a>,
    /// The next code, or run, and how much of that run is used up.
    next: usize,
    used: u32,
}

impl<'a> Cursor<'a> {
    fn new(codes: Codes<'a>) -> Self {
        Self { codes, next: 0, used: 0 }
    }

    /// Hands on the codes of the next `rows` rows, runs of equal ones together.
    fn take(&mut self, rows: usize, mut each: impl FnMut(u32, usize)) {
        match self.codes {
            Codes::Constant(code) => each(code, rows),
            Codes::Each(codes) => {
                let page = &codes[self.next..self.next + rows];
                self.next += rows;
                for run in page.chunk_by(|a, b| a == b) {
                    each(run[0], run.len());
                }
            }
            Codes::Cycle(codes) => {
                for _ in 0..rows {
                    each(codes[self.next], 1);
                    self.next = if self.next + 1 == codes.len() { 0 } else { self.next + 1 };
                }
            }
            Codes::Runs(runs) => {
                let mut left = rows;
                while left > 0 {
                    let (code, count) = runs[self.next];
                    let taken = ((count - self.used) as usize).min(left);
                    each(code, taken);
                    left -= taken;
                    self.used += u32::try_from(taken).unwrap_or(0);
                    if self.used == count {
                        self.next += 1;
                        self.used = 0;
                    }
                }
            }
        }
    }
}

/// Writes a data page of codes; answers how many rows have no value.
fn coded_page(out: &mut Vec<u8>, cursor: &mut Cursor<'_>, rows: usize, width: u32, optional: bool) -> u64 {
    if !optional {
        out.push(u8::try_from(width).unwrap_or(32));
        let mut codes = Hybrid::new(out, width);
        cursor.take(rows, |code, count| codes.put(code, count));
        codes.finish();
        return 0;
    }
    let mut nulls = 0;
    let mut values = Vec::new();
    out.extend([0; 4]);
    let mut levels = Hybrid::new(out, 1);
    {
        let mut codes = Hybrid::new(&mut values, width);
        cursor.take(rows, |code, count| {
            if code == NULL {
                nulls += count as u64;
                levels.put(0, count);
            } else {
                levels.put(1, count);
                codes.put(code, count);
            }
        });
        codes.finish();
    }
    levels.finish();
    let length = u32::try_from(out.len() - 4).unwrap_or(u32::MAX).to_le_bytes();
    out[..4].copy_from_slice(&length);
    out.push(u8::try_from(width).unwrap_or(32));
    out.append(&mut values);
    nulls
}

/// The hybrid of runs and packed codes.
struct Hybrid<'a> {
    out: &'a mut Vec<u8>,
    width: u32,
    /// Codes not yet written, all of which go into packed groups of eight.
    packed: Vec<u32>,
    /// The run at the end: it may grow, or join the packed codes.
    run: (u32, usize),
}

/// Codes that are packed before they are written: 63 groups, so that the length fits one byte.
const PACKED: usize = 63 * 8;

impl<'a> Hybrid<'a> {
    fn new(out: &'a mut Vec<u8>, width: u32) -> Self {
        Self { out, width, packed: Vec::with_capacity(PACKED), run: (0, 0) }
    }

    fn put(&mut self, code: u32, count: usize) {
        if self.run.1 > 0 && self.run.0 == code {
            self.run.1 += count;
            return;
        }
        self.settle();
        self.run = (code, count);
    }

    /// Writes the run at the end if it is worth one, or packs it.
    fn settle(&mut self) {
        let (code, mut count) = self.run;
        // A group that has begun must be filled before a run can follow.
        while count > 0 && (count < 8 || !self.packed.len().is_multiple_of(8)) {
            self.packed.push(code);
            count -= 1;
            if self.packed.len() == PACKED {
                self.flush();
            }
        }
        if count > 0 {
            self.flush();
            varint(self.out, (count as u64) << 1);
            let bytes = self.width.div_ceil(8) as usize;
            self.out.extend_from_slice(&code.to_le_bytes()[..bytes]);
        }
        self.run = (0, 0);
    }

    /// Writes the packed codes; an incomplete last group is filled up with zeros.
    fn flush(&mut self) {
        if self.packed.is_empty() {
            return;
        }
        let groups = self.packed.len().div_ceil(8);
        self.packed.resize(groups * 8, 0);
        varint(self.out, ((groups as u64) << 1) | 1);
        let (mut bits, mut held) = (0_u64, 0);
        for &code in &self.packed {
            bits |= u64::from(code) << held;
            held += self.width;
            while held >= 8 {
                self.out.push(bits.to_le_bytes()[0]);
                bits >>= 8;
                held -= 8;
            }
        }
        self.packed.clear();
    }

    fn finish(mut self) {
        self.settle();
        self.flush();
    }
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}
