//! The rows of `account_status`, gathered in batches and written by a thread of their own.

use std::fs::File;
use std::hash::BuildHasher;
use std::io::BufWriter;
use std::path::Path;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::JoinHandle;

use hashbrown::{DefaultHashBuilder, HashTable};
use jiff::Timestamp;
use table::{Chunk, Codes, Column, Dictionary, Kind, NULL, TableError, TableWriter, Texts};

use crate::statistics::Counted;
use crate::value::Unknown;

/// The table's name, of its folder under `tables/` and of its schema.
pub const TABLE: &str = "account_status";

/// A row for each account, Region and attribute.
pub const COLUMNS: [Column; 11] = [
    Column::required("run_id", Kind::Text),
    Column::required("account_id", Kind::Text),
    Column::required("region", Kind::Text),
    Column::required("attribute", Kind::Text),
    // Absent where it is unknown.
    Column::optional("value", Kind::Text),
    Column::required("raw_value", Kind::Text),
    Column::required("readable", Kind::Boolean),
    Column::optional("reason", Kind::Text),
    Column::optional("observed_at", Kind::Timestamp),
    Column::required("layout_hash", Kind::Text),
    Column::required("schema_version", Kind::Integer),
];

/// Of the table; columns are only ever added.
const SCHEMA_VERSION: i64 = 1;

/// Rows after which a batch is full: enough for small dictionaries to pay, few enough to stay small.
const BATCH_ROWS: usize = 640 * 1024;
/// Different values, and bytes of them, after which it is.
const BATCH_VALUES: usize = 60_000;
const BATCH_TEXT: usize = 1024 * 1024;

/// What is the same for every row.
#[derive(Debug, Clone)]
pub(crate) struct Constants {
    pub(crate) run_id: String,
    pub(crate) observed_at: Option<Timestamp>,
    pub(crate) layout_hash: String,
}

/// One value of one attribute, as it is written.
#[derive(Debug, Clone, Copy)]
struct Value {
    attribute: u32,
    raw: u32,
    /// The canonical value's code, or none.
    canonical: u32,
    counted: Counted,
}

/// Rows until they are written together.
#[derive(Debug, Default)]
struct Batch {
    accounts: Texts,
    account_runs: Vec<(u32, u32)>,
    regions: Texts,
    region_runs: Vec<(u32, u32)>,
    attributes: Vec<String>,
    /// In a wide file, every row has all attributes in their order.
    cycle: Vec<u32>,
    attribute_codes: Vec<u32>,
    values: Vec<Value>,
    raw: Texts,
    canonical: Texts,
    codes: Vec<u32>,
}

/// Finds the values of a batch again.
#[derive(Debug, Default)]
struct Lookup {
    hasher: DefaultHashBuilder,
    values: HashTable<u32>,
    canonical: HashTable<u32>,
    raw: HashTable<u32>,
    /// Per attribute, the values used last.
    recent: Vec<[u32; 4]>,
    /// Per account and per Region, the batch it was last used in and its code there.
    accounts: Vec<(u32, u32)>,
    regions: Vec<(u32, u32)>,
    batch: u32,
}

/// The thread that writes batches, and the way to it. Nothing after the batches is the table's end; if
/// that never comes, the file is given up without its footer and is no table.
type Writer = (SyncSender<Option<Batch>>, JoinHandle<Result<u64, TableError>>);

/// Gathers rows and hands them to the writer.
#[derive(Debug)]
pub(crate) struct Rows {
    batch: Batch,
    lookup: Lookup,
    rows: u64,
    writer: Option<Writer>,
}

impl Rows {
    /// `cycle` is the number of attributes of a wide file, 0 of a long one.
    pub(crate) fn new(path: &Path, constants: Constants, cycle: usize) -> std::io::Result<Self> {
        let file = BufWriter::new(File::create(path)?);
        let (sender, batches) = sync_channel::<Option<Batch>>(1);
        let writer = std::thread::Builder::new().name("account_status".to_owned()).spawn(move || {
            let mut writer = TableWriter::new(file, TABLE, &COLUMNS)?;
            let mut scratch = Scratch::default();
            while let Ok(message) = batches.recv() {
                if let Some(batch) = message {
                    batch.write(&mut writer, &constants, &mut scratch)?;
                } else {
                    let (mut file, rows) = writer.finish()?;
                    std::io::Write::flush(&mut file)?;
                    return Ok(rows);
                }
            }
            Ok(0)
        })?;
        let cycle = (0..u32::try_from(cycle).unwrap_or(u32::MAX)).collect();
        Ok(Self {
            batch: Batch { cycle, ..Batch::default() },
            lookup: Lookup { batch: 1, ..Lookup::default() },
            rows: 0,
            writer: Some((sender, writer)),
        })
    }

    /// The number of a value in this batch, if it has one already.
    #[inline]
    pub(crate) fn find(&mut self, attribute: u32, cell: &[u8]) -> Option<u32> {
        let (batch, lookup) = (&self.batch, &mut self.lookup);
        let index = attribute as usize;
        if index >= lookup.recent.len() {
            lookup.recent.resize(index + 1, [NULL; 4]);
        }
        let recent = &mut lookup.recent[index];
        for place in 0..recent.len() {
            let candidate = recent[place];
            if batch.is(candidate, attribute, cell) {
                // The last one found is tried first.
                recent[..=place].rotate_right(1);
                return Some(candidate);
            }
        }
        let hash = lookup.hasher.hash_one((attribute, cell));
        let found = *lookup.values.find(hash, |number| batch.is(*number, attribute, cell))?;
        recent.rotate_right(1);
        recent[0] = found;
        Some(found)
    }

    /// Gives a value a number in this batch.
    pub(crate) fn add(
        &mut self,
        attribute: u32,
        cell: &[u8],
        canonical: Option<&str>,
        counted: Counted,
    ) -> u32 {
        let number = self.add_unlisted(attribute, cell, canonical, counted);
        let (batch, lookup) = (&self.batch, &mut self.lookup);
        let hasher = &lookup.hasher;
        // A text that is not UTF-8 is not found again by its bytes, and is added again.
        lookup.values.insert_unique(hasher.hash_one((attribute, cell)), number, |number| {
            let value = batch.values[*number as usize];
            hasher.hash_one((value.attribute, batch.raw.get(value.raw)))
        });
        number
    }

    /// Gives a value a number that no other cell gets: for a cell that is unknown although its text,
    /// elsewhere, would be a value.
    pub(crate) fn add_unlisted(
        &mut self,
        attribute: u32,
        cell: &[u8],
        canonical: Option<&str>,
        counted: Counted,
    ) -> u32 {
        let (batch, lookup) = (&mut self.batch, &mut self.lookup);
        let canonical = canonical
            .map_or(NULL, |text| interned(&mut batch.canonical, &mut lookup.canonical, &lookup.hasher, text));
        let text = String::from_utf8_lossy(cell);
        let raw = interned(&mut batch.raw, &mut lookup.raw, &lookup.hasher, &text);
        let number = u32::try_from(batch.values.len()).unwrap_or(NULL);
        batch.values.push(Value { attribute, raw, canonical, counted });
        number
    }

    /// What the value counts as.
    #[inline]
    pub(crate) fn counted(&self, number: u32) -> Counted {
        self.batch.values[number as usize].counted
    }

    /// Adds a cell's row, of a wide file: in the order of the attributes.
    #[inline]
    pub(crate) fn push(&mut self, number: u32) {
        self.batch.codes.push(number);
    }

    /// Adds a cell's row, of a long file.
    pub(crate) fn push_of(&mut self, attribute: u32, number: u32) {
        self.batch.codes.push(number);
        self.batch.attribute_codes.push(attribute);
    }

    /// Says of which account and Region the last `count` rows are, and writes the batch if it is full.
    pub(crate) fn placed(
        &mut self,
        account: Place<'_>,
        region: Place<'_>,
        count: u32,
        attributes: &[String],
    ) -> Result<(), TableError> {
        let (batch, lookup) = (&mut self.batch, &mut self.lookup);
        run(
            &mut batch.account_runs,
            code(&mut lookup.accounts, lookup.batch, account, &mut batch.accounts),
            count,
        );
        run(
            &mut batch.region_runs,
            code(&mut lookup.regions, lookup.batch, region, &mut batch.regions),
            count,
        );
        if batch.codes.len() >= BATCH_ROWS
            || batch.values.len() >= BATCH_VALUES
            || batch.raw.size() >= BATCH_TEXT
        {
            self.flush(attributes)?;
        }
        Ok(())
    }

    fn flush(&mut self, attributes: &[String]) -> Result<(), TableError> {
        self.rows += self.batch.codes.len() as u64;
        let next = Batch { cycle: self.batch.cycle.clone(), ..Batch::default() };
        let mut batch = std::mem::replace(&mut self.batch, next);
        batch.attributes = attributes.to_vec();
        self.lookup.values.clear();
        self.lookup.canonical.clear();
        self.lookup.raw.clear();
        self.lookup.recent.clear();
        self.lookup.batch += 1;
        self.send(Some(batch))
    }

    fn send(&mut self, message: Option<Batch>) -> Result<(), TableError> {
        let sent = self.writer.as_ref().is_some_and(|(sender, _)| sender.send(message).is_ok());
        if sent { Ok(()) } else { self.join().map(drop) }
    }

    /// Writes what is left and closes the file; answers its rows.
    pub(crate) fn finish(mut self, attributes: &[String]) -> Result<u64, TableError> {
        self.flush(attributes)?;
        self.send(None)?;
        self.join()
    }

    fn join(&mut self) -> Result<u64, TableError> {
        let Some((sender, writer)) = self.writer.take() else { return Ok(self.rows) };
        drop(sender);
        writer
            .join()
            .unwrap_or_else(|_| Err(TableError::Compression(std::io::Error::other("the writer panicked"))))
    }
}

impl Drop for Rows {
    /// Waits for the writer, so that a file that is given up is written by nobody any more.
    fn drop(&mut self) {
        // Its error is that of a table nobody wants.
        let _ = self.join();
    }
}

/// The code of a text, which is added if it is new.
fn interned(texts: &mut Texts, codes: &mut HashTable<u32>, hasher: &DefaultHashBuilder, text: &str) -> u32 {
    let hash = hasher.hash_one(text.as_bytes());
    if let Some(code) = codes.find(hash, |code| texts.get(*code) == text.as_bytes()) {
        return *code;
    }
    let code = texts.push(text);
    codes.insert_unique(hash, code, |code| hasher.hash_one(texts.get(*code)));
    code
}

/// An account or a Region: its number, and its text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) number: u32,
    pub(crate) text: &'a str,
}

/// The place's code in the batch.
fn code(known: &mut Vec<(u32, u32)>, batch: u32, place: Place<'_>, texts: &mut Texts) -> u32 {
    let index = place.number as usize;
    if index >= known.len() {
        known.resize(index + 1, (0, 0));
    }
    if known[index].0 != batch {
        known[index] = (batch, texts.push(place.text));
    }
    known[index].1
}

fn run(runs: &mut Vec<(u32, u32)>, code: u32, count: u32) {
    match runs.last_mut() {
        Some((last, length)) if *last == code => *length += count,
        _ => runs.push((code, count)),
    }
}

/// Buffers that serve one batch after the other.
#[derive(Debug, Default)]
struct Scratch {
    codes: Vec<u32>,
    readable: Vec<bool>,
}

impl Batch {
    #[inline]
    fn is(&self, number: u32, attribute: u32, cell: &[u8]) -> bool {
        let value = self.values.get(number as usize);
        value.is_some_and(|value| value.attribute == attribute && self.raw.get(value.raw) == cell)
    }

    fn write<W: std::io::Write + Send>(
        &self,
        writer: &mut TableWriter<W>,
        constants: &Constants,
        scratch: &mut Scratch,
    ) -> Result<(), TableError> {
        let rows = self.codes.len();
        let attributes: Texts = self.attributes.iter().map(String::as_str).collect();
        let attribute_codes = if self.cycle.is_empty() {
            Codes::Each(&self.attribute_codes)
        } else {
            Codes::Cycle(&self.cycle)
        };
        let reasons: Texts = Unknown::ALL.iter().map(|why| why.as_str()).collect();
        let run_id: Texts = [constants.run_id.as_str()].into_iter().collect();
        let hash: Texts = [constants.layout_hash.as_str()].into_iter().collect();
        let observed_at = constants.observed_at.map(|at| [at.as_millisecond()]);
        let (observed_at, observed) = match &observed_at {
            Some(at) => (&at[..], 0),
            None => (&[][..], NULL),
        };
        // One column at a time is put together, so that one buffer serves them all.
        let map = |of: &dyn Fn(&Value) -> u32, into: &mut Vec<u32>| {
            let table: Vec<u32> = self.values.iter().map(of).collect();
            into.clear();
            into.extend(self.codes.iter().map(|&code| table[code as usize]));
        };
        let mut canonical = Vec::with_capacity(rows);
        map(&|value| value.canonical, &mut canonical);
        map(&|value| value.raw, &mut scratch.codes);
        scratch.readable.clear();
        scratch.readable.extend(canonical.iter().map(|&code| code != NULL));
        let mut reason_codes = Vec::new();
        let all_readable = scratch.readable.iter().all(|readable| *readable);
        if !all_readable {
            map(
                &|value| if let Counted::Unknown(why) = value.counted { why as u32 } else { NULL },
                &mut reason_codes,
            );
        }
        let constant = |texts| Chunk::Coded(Dictionary::Texts(texts), Codes::Constant(0));
        let text = |texts, codes| Chunk::Coded(Dictionary::Texts(texts), codes);
        writer.write(
            rows,
            &[
                constant(&run_id),
                text(&self.accounts, Codes::Runs(&self.account_runs)),
                text(&self.regions, Codes::Runs(&self.region_runs)),
                text(&attributes, attribute_codes),
                text(&self.canonical, Codes::Each(&canonical)),
                text(&self.raw, Codes::Each(&scratch.codes)),
                Chunk::Booleans(&scratch.readable),
                text(&reasons, if all_readable { Codes::Constant(NULL) } else { Codes::Each(&reason_codes) }),
                Chunk::Coded(Dictionary::Integers(observed_at), Codes::Constant(observed)),
                constant(&hash),
                Chunk::Coded(Dictionary::Integers(&[SCHEMA_VERSION]), Codes::Constant(0)),
            ],
        )
    }
}
