//! Buckets and objects, in memory or as plain files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use jiff::Timestamp;
use local_clock::Clock;
use md5::{Digest, Md5};

use super::Bucket;

#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) etag: String,
    pub(crate) size: u64,
    pub(crate) modified: Timestamp,
    pub(crate) content: Content,
}

#[derive(Debug, Clone)]
pub(crate) enum Content {
    Memory(Bytes),
    File(PathBuf),
}

/// The content of one version of an object; it stays that version's whatever is written or deleted
/// while it is read.
#[derive(Debug)]
pub(crate) enum Reader {
    Memory(Bytes),
    File(File),
}

impl Reader {
    pub(crate) fn all(self) -> io::Result<Bytes> {
        match self {
            Self::Memory(bytes) => Ok(bytes),
            Self::File(mut file) => {
                let mut bytes = Vec::new();
                file.read_to_end(&mut bytes)?;
                Ok(bytes.into())
            }
        }
    }
}

/// What a write requires of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    None,
    Absent,
    Version(String),
}

/// Why a write was not made.
#[derive(Debug)]
pub enum WriteError {
    NoSuchBucket,
    NoSuchKey,
    PreconditionFailed,
    /// The key cannot be the name of a file.
    UnusableKey,
    Io(io::Error),
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Buckets by name, each with its objects by key.
type Buckets = BTreeMap<String, (Bucket, BTreeMap<String, Object>)>;

/// All buckets of the simulated Region.
#[derive(Debug)]
pub struct Storage {
    clock: Clock,
    folder: Option<PathBuf>,
    buckets: Mutex<Buckets>,
    /// Numbers the writes.
    writes: AtomicU64,
}

impl Storage {
    /// Without a folder, objects live in memory.
    pub fn new(clock: Clock, folder: Option<PathBuf>) -> Self {
        Self { clock, folder, buckets: Mutex::default(), writes: AtomicU64::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Buckets> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes a bucket; files that its folder holds already are its objects.
    pub fn create_bucket(&self, name: &str, bucket: Bucket) -> io::Result<()> {
        let mut objects = BTreeMap::new();
        if let Some(folder) = &self.folder {
            let root = folder.join(name);
            std::fs::create_dir_all(&root)?;
            let now = self.clock.now();
            for file in files_below(&root)? {
                let Ok(key) = file.strip_prefix(&root) else { continue };
                let key = key.to_string_lossy().replace(std::path::MAIN_SEPARATOR, "/");
                let size = std::fs::metadata(&file)?.len();
                let etag = self.etag(&bucket, &hash_file(&file)?);
                objects.insert(key, Object { etag, size, modified: now, content: Content::File(file) });
            }
        }
        self.lock().insert(name.to_owned(), (bucket, objects));
        Ok(())
    }

    pub fn bucket(&self, name: &str) -> Option<Bucket> {
        self.lock().get(name).map(|(bucket, _)| bucket.clone())
    }

    pub fn bucket_names(&self) -> Vec<String> {
        self.lock().keys().cloned().collect()
    }

    /// The ETag of a write. It is the content's MD5 only where the objects are encrypted with S3's own
    /// keys; with a KMS key it says nothing about the content, and the same bytes get another one.
    fn etag(&self, bucket: &Bucket, md5: &[u8]) -> String {
        if bucket.kms_key.is_none() {
            return hex(md5);
        }
        // The moment too: the writes are numbered anew by every simulation over the same folder.
        let own = Md5::new()
            .chain_update(md5)
            .chain_update(self.number().to_be_bytes())
            .chain_update(self.clock.now().as_nanosecond().to_be_bytes());
        hex(&own.finalize())
    }

    fn number(&self) -> u64 {
        self.writes.fetch_add(1, Ordering::Relaxed)
    }

    /// An object and its content, both of one version: a write renames a new file into place, so the
    /// file is opened before anybody else may write.
    pub(crate) fn open(&self, bucket: &str, key: &str) -> io::Result<Option<(Object, Reader)>> {
        let buckets = self.lock();
        let Some(object) = buckets.get(bucket).and_then(|(_, objects)| objects.get(key)) else {
            return Ok(None);
        };
        let reader = match &object.content {
            Content::Memory(bytes) => Reader::Memory(bytes.clone()),
            Content::File(path) => Reader::File(File::open(path)?),
        };
        Ok(Some((object.clone(), reader)))
    }

    /// An object's whole content; `None` too when it cannot be read.
    pub fn read(&self, bucket: &str, key: &str) -> Option<Bytes> {
        let (_, reader) = self.open(bucket, key).ok()??;
        reader.all().ok()
    }

    /// The keys that begin with `prefix`, in order.
    pub fn keys(&self, bucket: &str, prefix: &str) -> Vec<String> {
        self.list(bucket, prefix, "").into_iter().map(|(key, _)| key).collect()
    }

    pub(crate) fn list(&self, bucket: &str, prefix: &str, after: &str) -> Vec<(String, Object)> {
        let buckets = self.lock();
        let Some((_, objects)) = buckets.get(bucket) else { return Vec::new() };
        objects
            .range(prefix.to_owned()..)
            .take_while(|(key, _)| key.starts_with(prefix))
            .filter(|(key, _)| key.as_str() > after)
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect()
    }

    /// Writes an object, checking its condition and writing in one step.
    pub(crate) fn put(
        &self,
        bucket: &str,
        key: &str,
        body: Bytes,
        condition: &Condition,
    ) -> Result<Object, WriteError> {
        let mut buckets = self.lock();
        let Some((place, objects)) = buckets.get_mut(bucket) else { return Err(WriteError::NoSuchBucket) };
        match (condition, objects.get(key)) {
            (Condition::Absent, Some(_)) => return Err(WriteError::PreconditionFailed),
            (Condition::Version(_), None) => return Err(WriteError::NoSuchKey),
            (Condition::Version(etag), Some(there)) if there.etag != *etag => {
                return Err(WriteError::PreconditionFailed);
            }
            _ => {}
        }
        let etag = self.etag(place, &Md5::digest(&body));
        let size = body.len() as u64;
        let content = match &self.folder {
            None => Content::Memory(body),
            Some(folder) => {
                let path = file_path(folder, bucket, key)?;
                let written = write_beside(&path, self.number(), |file| file.write_all(&body));
                std::fs::rename(written?, &path)?;
                Content::File(path)
            }
        };
        let object = Object { etag, size, modified: self.clock.now(), content };
        objects.insert(key.to_owned(), object.clone());
        Ok(object)
    }

    /// Writes an object of any size piece by piece, without anybody's permission: for what AWS
    /// itself delivers.
    pub fn deliver(
        &self,
        bucket: &str,
        key: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), WriteError> {
        let Some(folder) = &self.folder else {
            let mut body = Vec::new();
            write(&mut body)?;
            return self.put(bucket, key, body.into(), &Condition::None).map(drop);
        };
        let path = file_path(folder, bucket, key)?;
        // A large object takes long, so only the renaming keeps the others waiting.
        let written = write_beside(&path, self.number(), |file| write(file))?;
        let (md5, size) = (hash_file(&written)?, std::fs::metadata(&written)?.len());
        let mut buckets = self.lock();
        let Some((place, objects)) = buckets.get_mut(bucket) else {
            std::fs::remove_file(written)?;
            return Err(WriteError::NoSuchBucket);
        };
        std::fs::rename(written, &path)?;
        let etag = self.etag(place, &md5);
        let object = Object { etag, size, modified: self.clock.now(), content: Content::File(path) };
        objects.insert(key.to_owned(), object);
        Ok(())
    }

    pub fn delete(&self, bucket: &str, key: &str) -> Result<(), WriteError> {
        let mut buckets = self.lock();
        let Some((_, objects)) = buckets.get_mut(bucket) else { return Err(WriteError::NoSuchBucket) };
        if let Some(Object { content: Content::File(path), .. }) = objects.remove(key) {
            std::fs::remove_file(path)?;
        }
        Ok(())
    }
}

/// The file of a key. Keys that would leave the bucket's folder, or name no file, are refused.
fn file_path(folder: &Path, bucket: &str, key: &str) -> Result<PathBuf, WriteError> {
    let usable = !key.is_empty()
        && key.split('/').all(|part| {
            !part.is_empty() && part != "." && part != ".." && part.len() <= 255 && !part.contains('\0')
        });
    if usable { Ok(folder.join(bucket).join(key)) } else { Err(WriteError::UnusableKey) }
}

/// Writes beside the file, so that nobody sees a part; renaming is the caller's. The number is the
/// write's own.
fn write_beside(
    path: &Path,
    number: u64,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<PathBuf> {
    let parent = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)?;
    let temporary = parent.join(format!(".{number}.writing"));
    let mut file = BufWriter::new(File::create(&temporary)?);
    write(&mut file)?;
    file.flush()?;
    Ok(temporary)
}

fn hash_file(path: &Path) -> io::Result<Vec<u8>> {
    struct Hash(Md5);
    impl Write for Hash {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.update(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let mut hash = Hash(Md5::new());
    io::copy(&mut File::open(path)?, &mut hash)?;
    Ok(hash.0.finalize().to_vec())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn files_below(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                folders.push(entry.path());
            } else if !entry.file_name().to_string_lossy().starts_with('.') {
                files.push(entry.path());
            }
        }
    }
    Ok(files)
}
