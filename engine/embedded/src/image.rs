//! A file in memory that records what is done to it, to be done again on a disk.
//!
//! redb wants a file that it owns and shares; a handler lends its disk for one call only. So redb
//! works on an image of the file, and what it wrote and synced is then done on the disk, step by
//! step and each with its device time: a crash at any instant leaves what a crash would have left
//! had redb worked there itself. Steps behind one that fails are not done.

use std::io;
use std::sync::Arc;

use redb::StorageBackend;
use stormglass_sim::node::{BlockingDisk, DiskError};

#[expect(clippy::disallowed_types, reason = "redb's trait wants it shared; nobody ever waits")]
type Shared<T> = std::sync::Mutex<T>;

/// A file in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Image(Arc<Shared<File>>);

#[derive(Debug, Default)]
struct File {
    bytes: Vec<u8>,
    steps: Vec<Step>,
}

/// What was done to it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Step {
    Write { offset: u64, data: Vec<u8> },
    SetLen(u64),
    Sync,
}

impl Image {
    /// The image of a file as it is.
    pub(crate) fn load(disk: &mut dyn BlockingDisk, file: &str) -> Result<Self, DiskError> {
        let len = disk.len(file)?;
        let mut bytes = vec![0; usize::try_from(len).map_err(|_| DiskError::Io)?];
        disk.read_at(file, 0, &mut bytes)?;
        Ok(Image(Arc::new(Shared::new(File { bytes, steps: Vec::new() }))))
    }

    /// Another one with the same bytes.
    pub(crate) fn copy(&self) -> Self {
        let bytes = self.with(|file| file.bytes.clone());
        Image(Arc::new(Shared::new(File { bytes, steps: Vec::new() })))
    }

    /// Whether there is nothing in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.with(|file| file.bytes.is_empty())
    }

    /// What was done to it since it was loaded, or last asked.
    pub(crate) fn take_steps(&self) -> Vec<Step> {
        self.with(|file| std::mem::take(&mut file.steps))
    }

    fn with<R>(&self, f: impl FnOnce(&mut File) -> R) -> R {
        f(&mut self.0.lock().expect("one call at a time, and none panics"))
    }
}

/// Does on a disk what was done to an image of the file.
pub(crate) fn replay(
    steps: Vec<Step>,
    disk: &mut dyn BlockingDisk,
    name: &str,
) -> Result<(), DiskError> {
    for step in steps {
        match step {
            Step::Write { offset, data } => disk.write_at(name, offset, &data)?,
            Step::SetLen(len) => disk.set_len(name, len)?,
            Step::Sync => disk.sync(name)?,
        }
    }
    Ok(())
}

impl StorageBackend for Image {
    fn len(&self) -> Result<u64, io::Error> {
        Ok(self.with(|file| file.bytes.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> Result<(), io::Error> {
        let past = || io::Error::from(io::ErrorKind::UnexpectedEof);
        self.with(|file| {
            let from = usize::try_from(offset).map_err(|_| past())?;
            let to = from.checked_add(out.len()).ok_or_else(past)?;
            out.copy_from_slice(file.bytes.get(from..to).ok_or_else(past)?);
            Ok(())
        })
    }

    fn set_len(&self, len: u64) -> Result<(), io::Error> {
        let fits = usize::try_from(len).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        self.with(|file| {
            file.bytes.resize(fits, 0);
            file.steps.push(Step::SetLen(len));
        });
        Ok(())
    }

    fn sync_data(&self) -> Result<(), io::Error> {
        self.with(|file| file.steps.push(Step::Sync));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> Result<(), io::Error> {
        let past = || io::Error::from(io::ErrorKind::UnexpectedEof);
        self.with(|file| {
            let from = usize::try_from(offset).map_err(|_| past())?;
            let to = from.checked_add(data.len()).ok_or_else(past)?;
            file.bytes.get_mut(from..to).ok_or_else(past)?.copy_from_slice(data);
            file.steps.push(Step::Write { offset, data: data.to_vec() });
            Ok(())
        })
    }
}
