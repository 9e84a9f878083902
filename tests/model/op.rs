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
    /// `Pool::cache_stealable`.
    OpenStealable,
    CloseStealable,
    /// `Pool::steal_idle`: from all that are stealable or parked.
    StealIdle,
    /// `Pool::maintain`, several times.
    Maintain,
    /// `Cache::park`, of a plain cache or a stealable one.
    ParkCache,
    /// `ParkedCache::resume`.
    ResumeCache,
    /// A parked cache is dropped.
    DropParked,
    /// `Cache::idle`, and pages are allocated meanwhile, or stolen.
    Idle,
    Alloc,
    AllocZeroed,
    AllocBulk,
    AllocBulkZeroed,
    AllocBulkExact,
    /// `Pool::critical`, in bulk.
    AllocCritical,
    /// A task waits for pages, while some come or none.
    Wait,
    /// Into the batch that was filled last.
    AllocMore,
    Fill,
    AllocBlock,
    AllocRaw,
    /// Several blocks in one call.
    AllocBlocks,
    /// A block without an owner.
    AllocBlockRaw,
    FreeBlockRaw,
    BlockIntoRaw,
    AdoptBlock,
    /// A block becomes smaller ones.
    SplitBlock,
    /// A block becomes pages, of which some are kept.
    IntoPages,
    /// A block without an owner becomes smaller ones, or pages.
    SplitRaw,
    /// A page of some number.
    AllocAt,
    /// A block that starts at a page of some number.
    AllocBlockAt,
    Free,
    FreeBulk,
    FreeBlock,
    FreeRaw,
    /// Several pages, whatever their counts are.
    FreeElevated,
    /// Without a cache, as the next three.
    DropPage,
    DropBatch,
    DropBlock,
    ClearBatch,
    SplitOff,
    SplitTo,
    /// Pages from the middle become single ones, and some are let go.
    Drain,
    /// By their numbers' last bits.
    SplitOffIf,
    Append,
    /// From a batch with less room, and back into one.
    AppendSmall,
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
    /// Pages are allocated and lent, as far as they are taken.
    LendNew,
    /// `lend` of a batch, as far as its pages are taken.
    LendSome,
    /// By offsets, some of them in the middle of a page.
    ReclaimAt,
    FreeLent,
    /// Offsets past the end, and offsets of pages that are not lent where the mode checks, with others.
    FreeLentBad,
    /// `Pool::reclaim_all`, and what is lent is listed.
    ReclaimAll,
    /// `Page::into_shared`, where the mode counts; as all that follow.
    Share,
    CloneShared,
    DropShared,
    TryUnique,
    RetainRaw,
    ReleaseRaw,
    /// Many pages in one call, each of them more than once.
    RetainMany,
    ReleaseMany,
    /// `Page::zero`, and bytes of its own again.
    Zero,
    /// The bytes of a batch or a block are written anew.
    Write,
    DrainCache,
    DrainPool,
    /// `Pool::clone` or `Cache::pool`, in place of the handle that there was.
    NewHandle,
    /// Fails, because another handle lives, and leaves the pool whole.
    TryClose,
    /// Fails with the numbers of what is out, if no cache is there.
    CloseWithPagesOut,
    /// All owners are forgotten, and what they had is recovered, if no cache is there.
    RecoverForgotten,
    /// From numbers to addresses and back.
    LookUp,
    /// What each cache did and holds, and bad pages.
    Report,
    /// Pages, a batch and a block of another pool are freed here, and go home.
    FreeForeign,
    /// Into a batch with pages of another pool: refused, in whichever way.
    AllocIntoForeign,
    ReclaimIntoForeign,
    PushForeign,
    AppendForeign,
    /// From a batch of another pool: none is lent.
    LendForeign,
    /// `Pool::offline` of a range.
    Offline,
    /// `Pool::online` of pages that went offline before.
    Online,
    /// `Pool::online` of a range with a page that is online.
    OnlineRefused,
    /// `StaticPool::alloc`, of a static that has the pool; as the next two.
    AllocStatic,
    AllocBulkStatic,
    CacheStatic,
    /// `SharedPage::retain_many`, of which some are handed out.
    ShareMany,
    /// Many references to one page without an owner, and some of them given up again.
    RetainOne,
    /// Pages are allocated beforehand, some are taken, and the others go back.
    Prefill,
    /// `Pool::cache_named`, with some pages from the start.
    OpenNamed,
    /// `free_bulk_after`, with a ticket that a device passes later.
    FreeAfter,
    /// A device passes some tickets, and somebody looks, or nobody does yet.
    PassTickets,
}

/// An operation: what, and two operands, which are taken modulo what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op(pub Kind, pub u8, pub u8);

impl From<[u8; BYTES]> for Op {
    fn from([kind, a, b]: [u8; BYTES]) -> Self {
        Op(Kind::ALL[usize::from(kind) % Kind::ALL.len()], a, b)
    }
}
