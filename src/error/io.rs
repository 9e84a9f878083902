//! Errors of building as errors of input and output, which is what programs return from where they
//! start.

use std::io::{Error, ErrorKind};

use crate::error::BuildError;

impl From<BuildError> for Error {
    /// An error that keeps the text, and has the kind that the system's error number has; a request
    /// that cannot be is [`ErrorKind::InvalidInput`], and [`BuildError::NoMemory`] is
    /// [`ErrorKind::OutOfMemory`] on every platform. The [`BuildError`], with its number and
    /// figures, is inside.
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
    /// assert_eq!(error.to_string(), "a pool needs at least one page");
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
            (_, Some(code)) => Error::from_raw_os_error(code).kind(),
            (_, None) => ErrorKind::InvalidInput,
        };
        Error::new(kind, error)
    }
}
