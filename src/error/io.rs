//! Errors of building as errors of input and output, which is what programs return from where they
//! start.

use std::io::{Error, ErrorKind};

use crate::error::{BuildError, InitError};

impl From<BuildError> for Error {
    /// An error that keeps the text, and has the kind that the system's error number has; a request
    /// that cannot be is [`ErrorKind::InvalidInput`], and [`BuildError::NoMemory`] is
    /// [`ErrorKind::OutOfMemory`] on every platform, as is a [`BuildError::Lock`] that would be
    /// [`ErrorKind::WouldBlock`]. The [`BuildError`], with its number and figures, is inside.
    ///
    /// ```
    /// use pagesheaf::{BuildError, Pool};
    ///
    /// fn start(pages: usize) -> std::io::Result<()> {
    ///     let pool = Pool::builder(pages).build()?;
    /// #   let _ = pool;
    ///     Ok(())
    /// }
    /// let error = start(0).expect_err("no pages");
    /// assert_eq!(error.kind(), std::io::ErrorKind::InvalidInput);
    /// assert_eq!(error.to_string(), "a pool needs at least one page: ask for 1 or more");
    /// let inside = error.get_ref().and_then(|error| error.downcast_ref::<BuildError>());
    /// assert_eq!(inside, Some(&BuildError::NoPages));
    /// ```
    fn from(error: BuildError) -> Self {
        let kind = match (error, error.raw_os_error()) {
            (BuildError::Unsupported { .. } | BuildError::NoSuchHugePages { .. }, _) => {
                ErrorKind::Unsupported
            }
            // Whatever the platform means by the number: the heap gives none.
            (BuildError::NoMemory { .. }, _) => ErrorKind::OutOfMemory,
            // Nothing is to be had by trying again.
            (BuildError::Lock { .. }, Some(code))
                if Error::from_raw_os_error(code).kind() == ErrorKind::WouldBlock =>
            {
                ErrorKind::OutOfMemory
            }
            (_, Some(code)) => Error::from_raw_os_error(code).kind(),
            (_, None) => ErrorKind::InvalidInput,
        };
        Error::new(kind, error)
    }
}

impl From<InitError> for Error {
    /// An error that keeps the text: as of the [`BuildError`], if there is one; else
    /// [`ErrorKind::AlreadyExists`], or [`ErrorKind::WouldBlock`] where another call is building.
    ///
    /// ```
    /// use pagesheaf::{Pool, StaticPool};
    ///
    /// static POOL: StaticPool = StaticPool::new();
    ///
    /// fn start(pages: usize) -> std::io::Result<()> {
    ///     POOL.init(Pool::builder(pages))?;
    ///     Ok(())
    /// }
    /// assert_eq!(start(0).expect_err("no pages").kind(), std::io::ErrorKind::InvalidInput);
    /// start(1)?;
    /// assert_eq!(start(1).expect_err("there is one").kind(), std::io::ErrorKind::AlreadyExists);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    fn from(error: InitError) -> Self {
        match error {
            InitError::Failed(error) => error.into(),
            InitError::Built => Error::new(ErrorKind::AlreadyExists, error),
            InitError::Building => Error::new(ErrorKind::WouldBlock, error),
        }
    }
}
