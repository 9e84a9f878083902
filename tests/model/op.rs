//! Operations as bytes: three for each, so that what finds a failing sequence can also make it smaller.

/// Bytes of an operation.
pub const BYTES: usize = 3;

macro_rules! operations {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// What is done. Operands that name nothing make an operation do nothing.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name),+
        }

        impl Kind {
            /// All of them.
            pub const ALL: &[Kind] = &[$(Kind::$name),+];
        }
    };
}

operations! {
    /// `Pool::cache`.
    OpenCache,
    /// A cache is dropped.
    CloseCache,
    Alloc,
    AllocZeroed,
    AllocBulk,
    AllocBulkZeroed,
    AllocBulkExact,
    /// Into the batch that was filled last.
    AllocMore,
    Fill,
    AllocBlock,
    AllocRaw,
    Free,
    FreeBulk,
    FreeBlock,
    FreeRaw,
    FreeElevated,
    /// Without a cache, as the next three.
    DropPage,
    DropBatch,
    DropBlock,
    ClearBatch,
    SplitOff,
    SplitTo,
    Append,
    Push,
    Pop,
    SwapRemove,
    IntoIter,
    IntoRaw,
    Adopt,
    Lend,
    LendBulk,
    Reclaim,
    ReclaimBulk,
    /// `Page::into_shared`, where the mode counts; as all that follow.
    Share,
    CloneShared,
    DropShared,
    TryUnique,
    RetainRaw,
    ReleaseRaw,
    DrainCache,
    DrainPool,
    /// Fails, because something is out or a cache is there, and leaves the pool whole.
    TryClose,
}

/// An operation: what, and two operands, which are taken modulo what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op(pub Kind, pub u8, pub u8);

impl From<[u8; BYTES]> for Op {
    fn from([kind, a, b]: [u8; BYTES]) -> Self {
        Op(Kind::ALL[usize::from(kind) % Kind::ALL.len()], a, b)
    }
}
