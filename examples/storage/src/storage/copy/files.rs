//! The two files: one of pseudo-random bytes, and its copy. Both are gone when this is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;

use rustix::fs::FallocateFlags;
use rustix::io::Errno;
use tempfile::TempDir;

use super::super::Outcome;

/// Bytes that are made, or compared, at a time.
const CHUNK: usize = 1 << 20;

/// A temporary folder with both files.
pub struct Files {
    folder: TempDir,
    mib: u32,
    /// CRC-32 of the source.
    pub sum: u32,
    /// Flags that both are opened with: `O_DIRECT`, or none where the file system refuses it.
    flags: i32,
}

impl Files {
    /// Writes the source. `block` is a buffer with the alignment of those of the copy: with it, the
    /// file system is asked for a direct read.
    pub fn new(mib: u32, block: &mut [u8]) -> Outcome<Self> {
        let folder = TempDir::with_prefix("storage-")?;
        let mut files = Files { folder, mib, sum: 0, flags: 0 };
        let mut source = File::create(files.source())?;
        let mut random = fastrand::Rng::with_seed(u64::from(mib));
        let (mut sum, mut chunk) = (crc32fast::Hasher::new(), vec![0; CHUNK]);
        for _ in 0..mib {
            random.fill(&mut chunk);
            sum.update(&chunk);
            source.write_all(&chunk)?;
        }
        source.sync_all()?;
        files.sum = sum.finalize();
        files.flags = files.flags_for(block)?;
        Ok(files)
    }

    fn source(&self) -> PathBuf {
        self.folder.path().join("source")
    }

    fn copy(&self) -> PathBuf {
        self.folder.path().join("copy")
    }

    /// Bytes of each file.
    pub fn bytes(&self) -> u64 {
        u64::from(self.mib) << 20
    }

    /// Whether reads and writes pass by the page cache.
    pub fn direct(&self) -> bool {
        self.flags != 0
    }

    /// Some file systems refuse `O_DIRECT` in `open`, some in the first read.
    fn flags_for(&self, block: &mut [u8]) -> io::Result<i32> {
        let open = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(self.source());
        match open.and_then(|file| file.read_exact_at(block, 0)) {
            Ok(()) => Ok(libc::O_DIRECT),
            Err(error) if error.raw_os_error() == Some(libc::EINVAL) => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Opens the source, and a new file for the copy, whose blocks are allocated.
    pub fn open(&self) -> Outcome<(File, File)> {
        let source = OpenOptions::new().read(true).custom_flags(self.flags).open(self.source())?;
        let _ = std::fs::remove_file(self.copy());
        let copy = OpenOptions::new()
            .write(true)
            .create_new(true)
            .custom_flags(self.flags)
            .open(self.copy())?;
        match rustix::fs::fallocate(&copy, FallocateFlags::empty(), 0, self.bytes()) {
            Ok(()) => {}
            Err(Errno::OPNOTSUPP) => copy.set_len(self.bytes())?,
            Err(error) => return Err(format!("{} MiB for the copy: {error}", self.mib).into()),
        }
        copy.sync_all()?;
        Ok((source, copy))
    }

    /// Compares the files, byte for byte.
    pub fn compare(&self) -> Outcome<()> {
        let (mut source, mut copy) = (File::open(self.source())?, File::open(self.copy())?);
        let (mut left, mut right) = (vec![0; CHUNK], vec![0; CHUNK]);
        for at in 0..self.mib {
            source.read_exact(&mut left)?;
            copy.read_exact(&mut right)?;
            if left != right {
                return Err(format!("the copy differs, in MiB {at}").into());
            }
        }
        if copy.read(&mut right)? > 0 {
            return Err("the copy is too long".into());
        }
        Ok(())
    }

    /// Removes both files, and the folder.
    pub fn remove(self) -> io::Result<()> {
        self.folder.close()
    }
}
