//! What a buffer is over.

use core::fmt;
use core::ops::DerefMut;

use pagesheaf::{Block, Mode, Page};

/// What an [`OwnedBuf`](crate::OwnedBuf) is over: a [`Page`] or a [`Block`], the sole owner of its bytes. They are
/// initialised, as many as they were at first, and stay where they are while it is moved.
pub trait Backing:
    DerefMut<Target = [u8]> + fmt::Debug + Send + Sync + Unpin + Sealed + 'static
{
}

/// No other crate's type is one: the traits of runtimes rely on what is said of the bytes.
pub trait Sealed {}

impl<M: Mode> Sealed for Page<M> {}
impl<M: Mode> Sealed for Block<M> {}
impl<M: Mode> Backing for Page<M> {}
impl<M: Mode> Backing for Block<M> {}
