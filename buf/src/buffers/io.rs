//! Reading into buffers, and out of them.

use alloc::vec::Vec;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};

use pagesheaf::Mode;

use crate::{Backing, BufChain, NoRoom, OwnedBuf, SharedBuf, SharedChain};

impl<S: Backing> OwnedBuf<S> {
    /// Reads once, as much as there is room for behind the bytes that count. Returns how many came: 0 at the end, or if
    /// there is no room.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::PageBuf;
    /// # let pool = Pool::builder(10).build()?;
    /// let mut file = &[7; 5000][..];
    /// let mut buf = PageBuf::with_headroom(pool.alloc()?, 96);
    /// assert_eq!((buf.read_from(&mut file)?, buf.len()), (4000, 4000));
    /// assert_eq!(buf.read_from(&mut file)?, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of the reader.
    pub fn read_from(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        let n = reader.read(self.room_mut())?;
        self.grow(n).map_err(io::Error::other)?;
        Ok(n)
    }
}

/// The bytes that count, from the front: what was read counts no more.
impl<S: Backing> Read for OwnedBuf<S> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = (&**self).read(to)?;
        self.advance(n);
        Ok(n)
    }
}

/// Into the room: as much as fits, and 0 bytes where nothing does.
impl<S: Backing> Write for OwnedBuf<S> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let n = bytes.len().min(self.room());
        self.append(&bytes[..n]).map_err(io::Error::other)?;
        Ok(n)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// From the front: what was read is no longer part of it.
impl<M: Mode> Read for SharedBuf<M> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let n = (&**self).read(to)?;
        self.advance(n);
        Ok(n)
    }
}

impl<M: Mode> BufChain<M> {
    /// The bytes that count, as buffers of a vectored write, in order.
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        self.buffers().iter().map(|buf| IoSlice::new(buf))
    }

    /// Reads once, into the room of all buffers from the first that has any, by one vectored call. Returns how many
    /// bytes came: 0 at the end, or if there is no room. They count from now on.
    ///
    /// A buffer whose bytes count must be full if the next one has room: what comes is one payload.
    ///
    /// ```
    /// # use pagesheaf::{PageBatch, Pool};
    /// # use pagesheaf_buf::BufChain;
    /// # let pool = Pool::builder(10).build()?;
    /// let mut batch = PageBatch::new();
    /// pool.alloc_bulk_exact(&mut batch, 3)?;
    /// let mut chain = BufChain::from(batch);
    /// let mut file = &[7; 10_000][..];
    /// assert_eq!(chain.read_from(&mut file)?, 10_000);
    /// assert_eq!(chain.buffers().iter().map(|buf| buf.len()).collect::<Vec<_>>(), [4096, 4096, 1808]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Those of the reader, and that it says that more came than there was room for.
    pub fn read_from(&mut self, reader: &mut (impl Read + ?Sized)) -> io::Result<usize> {
        self.read_at_most(reader, usize::MAX)
    }

    /// As [`read_from`](Self::read_from), but no more than `most` bytes: what comes behind a payload of a known length
    /// stays in the reader.
    ///
    /// # Errors
    /// As [`read_from`](Self::read_from).
    pub fn read_at_most(
        &mut self,
        reader: &mut (impl Read + ?Sized),
        most: usize,
    ) -> io::Result<usize> {
        let (mut slices, mut room) = (Vec::new(), 0);
        for buf in self.buffers_mut().iter_mut().filter(|buf| buf.room() > 0) {
            let here = buf.room().min(most - room);
            room += here;
            slices.push(IoSliceMut::new(&mut buf.room_mut()[..here]));
            if room == most {
                break;
            }
        }
        let n = reader.read_vectored(&mut slices)?;
        if n > room {
            return Err(io::Error::other(NoRoom { wanted: n, room }));
        }
        let mut left = n;
        for buf in self.buffers_mut() {
            if left == 0 {
                break;
            }
            let here = left.min(buf.room());
            buf.grow(here).map_err(io::Error::other)?;
            left -= here;
        }
        Ok(n)
    }
}

impl<M: Mode> SharedChain<M> {
    /// The bytes, as buffers of a vectored write, in order. [`advance`](Self::advance) by what was written.
    ///
    /// ```
    /// # use std::io::{IoSlice, Write};
    /// # use pagesheaf::Pool;
    /// # use pagesheaf_buf::BufChain;
    /// # let pool = Pool::builder(10).build()?;
    /// let mut chain = BufChain::new();
    /// chain.append_with(&[7; 5000], || pool.alloc())?;
    /// let mut served = chain.freeze();
    /// let mut socket = Vec::new();
    /// while !served.is_empty() {
    ///     let slices: Vec<IoSlice> = served.io_slices().take(64).collect();
    ///     let n = socket.write_vectored(&slices)?;
    ///     served.advance(n);
    /// }
    /// assert_eq!(socket, [7; 5000]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn io_slices(&self) -> impl Iterator<Item = IoSlice<'_>> {
        self.chunks().map(IoSlice::new)
    }
}

/// From the front: what was read is no longer part of it.
impl<M: Mode> Read for SharedChain<M> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let mut part = self.chunks().next().unwrap_or_default();
        let n = part.read(to)?;
        self.advance(n);
        Ok(n)
    }
}
