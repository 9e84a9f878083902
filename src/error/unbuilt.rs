//! What a pool in a `static` says that is not built, or cannot be built now.

use core::fmt;

use super::{BuildError, CacheError, ShortReason, debug_by_display};

/// A call of a [`StaticPool`](crate::StaticPool) that needs its pool came before it was built.
///
/// A pool that is being built at that moment is not built.
///
/// ```
/// use pagesheaf::{NotBuilt, ShortReason, StaticPool};
///
/// static POOL: StaticPool = StaticPool::new();
///
/// fn pages_out() -> Result<u64, NotBuilt> {
///     Ok(POOL.get()?.audit().pages.out)
/// }
/// assert_eq!(pages_out(), Err(NotBuilt));
/// assert_eq!(ShortReason::from(NotBuilt), ShortReason::NotBuilt);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NotBuilt;

/// What to do about it, in every error that says so.
pub(super) const NOT_BUILT: &str = "the pool is not built: call StaticPool::init first";

impl fmt::Display for NotBuilt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(NOT_BUILT)
    }
}

impl core::error::Error for NotBuilt {}

impl From<NotBuilt> for ShortReason {
    fn from(_: NotBuilt) -> Self {
        ShortReason::NotBuilt
    }
}

impl From<NotBuilt> for CacheError {
    fn from(_: NotBuilt) -> Self {
        CacheError::NotBuilt
    }
}

/// Why a call did not build the pool of a [`StaticPool`](crate::StaticPool).
///
/// ```
/// use pagesheaf::{BuildError, InitError, Pool, StaticPool};
///
/// static POOL: StaticPool = StaticPool::new();
///
/// let error = POOL.init(Pool::builder(0)).expect_err("no pages");
/// assert_eq!(error, InitError::Failed(BuildError::NoPages));
/// // The static is as it was: another request may succeed.
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// POOL.init(Pool::builder(100))?;
/// assert_eq!(POOL.init(Pool::builder(100)).expect_err("there is one"), InitError::Built);
/// # Ok::<(), InitError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum InitError {
    /// Another call is building the pool at this moment, or never came back from building it.
    Building,
    /// The pool is built.
    Built,
    /// This call was to build the pool, and could not. It can be tried again.
    Failed(BuildError),
}

impl fmt::Display for InitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            InitError::Building => {
                f.write_str("another call is building the pool: ask StaticPool::get for it later")
            }
            InitError::Built => {
                f.write_str("the pool is built already: ask StaticPool::get for it")
            }
            InitError::Failed(error) => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for InitError {
    /// Why the pool could not be built.
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        match self {
            InitError::Failed(error) => Some(error),
            _ => None,
        }
    }
}

impl From<BuildError> for InitError {
    fn from(error: BuildError) -> Self {
        InitError::Failed(error)
    }
}

debug_by_display!(NotBuilt, InitError);
