//! The engine's calls as transactions of redb.
//!
//! Each call opens the file anew, and what redb would do to close it is not done: in life a store
//! stays open from its first use to its process's end. So every opening finds a file that was not
//! closed in good order. Commits leave behind what a quick repair needs.

use redb::{Builder, Database, ReadableDatabase, TableDefinition};
use stormglass_engine::backend::{Change, Entry, KeyRange, StorageEngine, StorageError};
use stormglass_sim::node::{BlockingDisk, DiskError};

use crate::image::{Image, Step, replay};

/// The one table of a store.
const TABLE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("state");
/// What redb may keep of a file while it is open: it is open for one call only.
const CACHE: usize = 1 << 20;

/// The embedded engine. It has no state: stores are files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Redb;

/// Where a store grows up: a cut while redb makes its file leaves one that it refuses to open.
fn nursery(file: &str) -> String {
    format!("{file}.new")
}

impl StorageEngine for Redb {
    fn create(
        &self,
        disk: &mut dyn BlockingDisk,
        file: &str,
        entries: &[Entry],
    ) -> Result<(), StorageError> {
        let unknown = StorageError::Unknown;
        let image = Image::default();
        let puts = entries.iter().map(|(key, value)| (&key[..], Some(&value[..])));
        let steps = fill(&image, puts).expect("an image has no faults");
        let new = nursery(file);
        // One that a crash has left there would show through.
        disk.set_len(&new, 0).map_err(unknown)?;
        replay(steps, disk, &new).map_err(unknown)?;
        disk.sync(&new).map_err(unknown)?;
        disk.rename(&new, file).map_err(unknown)?;
        disk.sync_dir().map_err(unknown)
    }

    fn commit(
        &self,
        disk: &mut dyn BlockingDisk,
        file: &str,
        held: &Entry,
        changes: &[Change],
        read: &[KeyRange],
    ) -> Result<Vec<Entry>, StorageError> {
        let image = load(disk, file)?;
        let puts = changes.iter().map(|change| (&change.key[..], change.value.as_deref()));
        let done = change(&image, held, puts, read).map_err(refused)?;
        let (steps, entries) = done.ok_or(StorageError::Refused)?;
        replay(steps, disk, file).map_err(StorageError::Unknown)?;
        Ok(entries)
    }

    fn scan(
        &self,
        disk: &mut dyn BlockingDisk,
        file: &str,
        read: &KeyRange,
    ) -> Result<Vec<Entry>, StorageError> {
        let image = load(disk, file)?;
        look(&image, read).map_err(refused)
    }
}

fn load(disk: &mut dyn BlockingDisk, file: &str) -> Result<Image, StorageError> {
    let image = Image::load(disk, file).map_err(|error| match error {
        DiskError::NotFound => StorageError::Missing,
        other => StorageError::Unknown(other),
    })?;
    // redb would take an empty file for one that it is to make.
    if image.is_empty() { Err(StorageError::Refused) } else { Ok(image) }
}

/// An image never fails: if redb does, the file's contents are to blame.
fn refused(_: redb::Error) -> StorageError {
    StorageError::Refused
}

/// Opens a file that is not empty. What redb opens plainly it trusts, and on rot it may panic: so a
/// copy is checked first, page by page.
fn open(image: &Image) -> Result<Database, redb::Error> {
    drop(checked(image)?);
    Ok(builder().create_with_backend(image.clone())?)
}

/// Opens a copy, which takes what redb writes while it checks and repairs.
fn checked(image: &Image) -> Result<Database, redb::Error> {
    Ok(builder().set_check_integrity_on_open(true).create_with_backend(image.copy())?)
}

fn builder() -> Builder {
    let mut builder = Builder::new();
    builder.set_cache_size(CACHE);
    builder
}

/// What becomes of a key, by reference.
type Put<'a> = (&'a [u8], Option<&'a [u8]>);

/// What was done to the file, and what was read.
type Done = (Vec<Step>, Vec<Entry>);

fn fill<'a>(image: &Image, puts: impl Iterator<Item = Put<'a>>) -> Result<Vec<Step>, redb::Error> {
    let database = builder().create_with_backend(image.clone())?;
    write(&database, puts)?;
    Ok(image.take_steps())
}

/// None, and nothing is changed, if the store does not hold an entry.
fn change<'a>(
    image: &Image,
    (key, value): &Entry,
    puts: impl Iterator<Item = Put<'a>>,
    ranges: &[KeyRange],
) -> Result<Option<Done>, redb::Error> {
    let database = open(image)?;
    let table = database.begin_read()?.open_table(TABLE)?;
    if table.get(&key[..])?.is_none_or(|found| found.value() != &value[..]) {
        return Ok(None);
    }
    drop(table);
    write(&database, puts)?;
    let entries = read(&database, ranges)?;
    Ok(Some((image.take_steps(), entries)))
}

fn look(image: &Image, range: &KeyRange) -> Result<Vec<Entry>, redb::Error> {
    read(&checked(image)?, std::slice::from_ref(range))
}

fn write<'a>(database: &Database, puts: impl Iterator<Item = Put<'a>>) -> Result<(), redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(true);
    {
        let mut table = transaction.open_table(TABLE)?;
        for (key, value) in puts {
            match value {
                Some(value) => drop(table.insert(key, value)?),
                None => drop(table.remove(key)?),
            }
        }
    }
    Ok(transaction.commit()?)
}

fn read(database: &Database, ranges: &[KeyRange]) -> Result<Vec<Entry>, redb::Error> {
    let transaction = database.begin_read()?;
    let table = transaction.open_table(TABLE)?;
    let mut entries = Vec::new();
    for range in ranges {
        for entry in table.range(&range.start[..]..&range.end[..])? {
            let (key, value) = entry?;
            entries.push((key.value().to_vec(), value.value().to_vec()));
        }
    }
    Ok(entries)
}
