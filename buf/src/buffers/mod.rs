//! The buffers, and the traits of other crates for them.

mod backing;
#[cfg(feature = "bytes")]
mod bytes;
mod chain;
#[cfg(feature = "compio-buf")]
mod compio;
mod error;
#[cfg(feature = "std")]
mod io;
#[cfg(all(feature = "monoio", unix))]
mod monoio;
mod owned;
mod range;
mod shared;
mod shared_chain;
#[cfg(all(feature = "tokio-uring", target_os = "linux"))]
mod tokio_uring;

pub use backing::Backing;
pub use chain::BufChain;
pub use error::{NoRoom, NotPrepended};
pub use owned::{BlockBuf, OwnedBuf, PageBuf};
pub use shared::SharedBuf;
pub use shared_chain::SharedChain;
