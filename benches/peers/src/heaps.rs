//! General allocators, asked for one aligned page at a time: they have no bulk call.

use std::ffi::c_void;
use std::marker::PhantomData;

use anyhow::Result;
use matrix::{Contender, Entry, Items, Kind, OF_PAGES, PAGE, Setup, TOUCHED};

/// An allocator of aligned memory.
trait Heap: Send + 'static {
    /// A page, or null.
    fn alloc() -> *mut c_void;
    /// # Safety
    /// The page came from `alloc`, and is not used again.
    unsafe fn free(page: *mut c_void);
}

/// A page's address.
#[derive(Clone, Copy)]
struct Address(*mut c_void);

// SAFETY: an address; whoever has the bulk has the page.
unsafe impl Send for Address {}

/// A hand that asks a heap.
struct Hand<H>(PhantomData<H>);

impl<H: Heap> Contender for Hand<H> {
    type Bulk<const N: usize> = Items<Address, N>;

    fn pair(_: &Setup) -> Result<(Self, Self)> {
        Ok((Hand(PhantomData), Hand(PhantomData)))
    }

    fn bulk<const N: usize>() -> Items<Address, N> {
        Items([Address(std::ptr::null_mut()); N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<Address, N>, n: usize) -> usize {
        for (at, page) in bulk.first(n).iter_mut().enumerate() {
            *page = Address(H::alloc());
            if page.0.is_null() {
                return at;
            }
        }
        n
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<Address, N>, n: usize) {
        Self::orphan(bulk, n);
    }

    #[inline(always)]
    fn orphan<const N: usize>(bulk: &mut Items<Address, N>, n: usize) {
        for page in bulk.first(n) {
            // SAFETY: the bulk's pages came from `alloc`, and are gone after this.
            unsafe { H::free(page.0) };
        }
    }

    #[inline(always)]
    fn touch<const N: usize>(&mut self, bulk: &mut Items<Address, N>, n: usize) {
        for page in bulk.first(n) {
            // SAFETY: the page is the bulk's, and large enough.
            unsafe { page.0.cast::<u8>().write_bytes(n as u8, TOUCHED) };
        }
    }
}

macro_rules! heap {
    ($(#[$doc:meta])* $name:ident, $alloc:expr, |$page:ident| $free:expr) => {
        $(#[$doc])*
        struct $name;

        impl Heap for $name {
            #[inline(always)]
            fn alloc() -> *mut c_void {
                // SAFETY: a page is a size and an alignment.
                unsafe { $alloc }
            }

            #[inline(always)]
            unsafe fn free($page: *mut c_void) {
                // SAFETY: passed on to the caller.
                let _: () = unsafe { $free };
            }
        }
    };
}

heap!(
    /// The C library's.
    Libc,
    libc::aligned_alloc(PAGE, PAGE),
    |page| libc::free(page)
);
heap!(
    /// The C library's, not aligned: what a `Vec<u8>` asks for.
    Malloc,
    libc::malloc(PAGE),
    |page| libc::free(page)
);
#[cfg(feature = "mimalloc")]
heap!(
    /// mimalloc.
    Mimalloc,
    libmimalloc_sys::mi_malloc_aligned(PAGE, PAGE),
    |page| libmimalloc_sys::mi_free(page)
);
#[cfg(feature = "jemalloc")]
heap!(
    /// jemalloc.
    Jemalloc,
    tikv_jemalloc_sys::aligned_alloc(PAGE, PAGE),
    |page| tikv_jemalloc_sys::free(page)
);
#[cfg(feature = "snmalloc")]
heap!(
    /// snmalloc.
    Snmalloc,
    snmalloc_sys::sn_rust_alloc(PAGE, PAGE),
    |page| {
        snmalloc_sys::sn_rust_dealloc(page, PAGE, PAGE);
    }
);

/// All heaps. They touch memory of their own accord, and take part where pages are touched; those that fill a million
/// pages take a while over it.
pub fn entries() -> Vec<Entry> {
    fn entry<H: Heap>(name: &'static str) -> Entry {
        Entry::new::<Hand<H>>(name, Kind::Rival, OF_PAGES).slowness(4)
    }
    vec![
        entry::<Libc>("aligned_alloc"),
        entry::<Malloc>("malloc"),
        #[cfg(feature = "mimalloc")]
        entry::<Mimalloc>("mimalloc").of_crate(crate::locked("libmimalloc-sys")),
        #[cfg(feature = "jemalloc")]
        entry::<Jemalloc>("jemalloc").of_crate(crate::locked("tikv-jemalloc-sys")),
        #[cfg(feature = "snmalloc")]
        entry::<Snmalloc>("snmalloc").of_crate(crate::locked("snmalloc-sys")),
    ]
}
