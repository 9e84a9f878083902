//! A thread that sees to a pool's upkeep.
//!
//! Invariant: the thread ends when its [`Helper`] is dropped, and not later.

use std::convert::Infallible;
use std::io;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use crate::mode::Mode;
use crate::pool::Pool;

/// The shortest time that a helper waits.
const LEAST: Duration = Duration::from_millis(1);

/// How long a helper waits that was asked for this period.
fn waits(period: Duration) -> Duration {
    period.max(LEAST)
}

/// A thread that calls [`Pool::maintain`]: see [`Pool::maintain_every`]. Dropping it ends the
/// thread, and waits for that.
///
/// ```
/// # use pagesheaf::{Helper, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// # use std::time::Duration;
/// struct Buffers {
///     helper: Helper, // its thread ends before the pool is dropped
///     pool: Pool,
/// }
///
/// let pool = Pool::builder(100).build()?;
/// let buffers = Buffers { helper: pool.maintain_every(Duration::from_secs(1))?, pool };
/// # drop(buffers.helper);
/// # drop(buffers.pool);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "the thread ends when this is dropped"]
pub struct Helper {
    /// Nothing is ever sent: that it is gone ends the thread.
    stop: Option<Sender<Infallible>>,
    thread: Option<JoinHandle<()>>,
    /// In a forked child there is no such thread to wait for.
    process: u32,
}

// Nothing can be asked of it: it ends the thread, and how that ended is not told.
impl UnwindSafe for Helper {}
impl RefUnwindSafe for Helper {}

impl<M: Mode> Pool<M> {
    /// Starts a thread that calls [`Pool::maintain`] again and again, `period` after the last call
    /// has ended. A second is a good period: what was not needed for some seconds goes back. A period
    /// of less than a millisecond is taken for one, so that the thread does not use up a processor.
    ///
    /// In a pool that panics about bad pages ([`OnBadPage::Panic`](crate::OnBadPage::Panic)) the
    /// thread ends with the panic about one that it finds.
    ///
    /// The thread has a handle of the pool, so close the pool after dropping the [`Helper`]. A
    /// forked child has no such thread, but its handle remains: there [`Pool::close`] fails.
    ///
    /// # Errors
    /// The system's, if it refuses the thread.
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use pagesheaf::{Pool, Region};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let region = Region::mapped().purge(true);
    /// let pool = Pool::builder(1024).region(region).build()?;
    /// let helper = pool.maintain_every(Duration::from_secs(1))?;
    /// // ...
    /// drop(helper);
    /// pool.close()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn maintain_every(&self, period: Duration) -> io::Result<Helper> {
        let period = waits(period);
        let (stop, stopped) = channel::<Infallible>();
        let pool = self.clone();
        let work = move || {
            while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(period) {
                let _ = pool.maintain();
            }
        };
        let thread = Builder::new().name("pagesheaf".into()).spawn(work)?;
        Ok(Helper { stop: Some(stop), thread: Some(thread), process: std::process::id() })
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        if self.process != std::process::id() {
            core::mem::forget((self.stop.take(), self.thread.take()));
            return;
        }
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic was the pool's, about a bad page, and has been said.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
#[path = "helper/tests.rs"]
mod tests;
