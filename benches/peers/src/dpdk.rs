//! DPDK's mempools, with a cache of 512 for each thread, and packet buffers in bulk.

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result, ensure};
use matrix::{BY_HAND, Contender, Entry, Items, Kind, Setup};

unsafe extern "C" {
    fn peers_dpdk_start() -> c_int;
    fn peers_dpdk_thread() -> c_int;
    fn peers_dpdk_pool(ops: *const c_char, mbufs: c_int, count: c_uint) -> *mut c_void;
    fn peers_dpdk_errno() -> c_int;
    fn peers_dpdk_end(pool: *mut c_void);
    fn peers_dpdk_get(pool: *mut c_void, objects: *mut *mut c_void, n: c_uint) -> c_int;
    fn peers_dpdk_put(pool: *mut c_void, objects: *mut *mut c_void, n: c_uint);
    fn peers_dpdk_alloc(pool: *mut c_void, buffers: *mut *mut c_void, n: c_uint) -> c_int;
    fn peers_dpdk_free(buffers: *mut *mut c_void, n: c_uint);
}

/// Starts DPDK once, and leaves the thread on the core where it was.
fn start() -> Result<()> {
    static STARTED: OnceLock<c_int> = OnceLock::new();
    let error = *STARTED.get_or_init(|| {
        // SAFETY: an empty set is one.
        let mut cores: libc::cpu_set_t = unsafe { std::mem::zeroed() };
        // SAFETY: the set is this large.
        unsafe { libc::sched_getaffinity(0, size_of_val(&cores), &mut cores) };
        // SAFETY: it is called once.
        let error = unsafe { peers_dpdk_start() };
        // SAFETY: as above.
        unsafe { libc::sched_setaffinity(0, size_of_val(&cores), &cores) };
        error
    });
    ensure!(error == 0, "DPDK does not start: error {error}");
    Ok(())
}

/// Gives the thread a number, once: without one it has no cache in a mempool.
#[inline(always)]
fn register() {
    thread_local! {
        static REGISTERED: Cell<bool> = const { Cell::new(false) };
    }
    if !REGISTERED.get() {
        // SAFETY: DPDK has been started before there was a pool.
        assert_eq!(unsafe { peers_dpdk_thread() }, 0, "DPDK has no number for this thread");
        REGISTERED.set(true);
    }
}

/// What a mempool is.
trait Pools: Send + 'static {
    const OPS: &CStr;
    const MBUFS: bool = false;
}

macro_rules! pools {
    ($($(#[$doc:meta])* $name:ident $ops:literal $mbufs:literal),+ $(,)?) => {
        $($(#[$doc])* struct $name;
        impl Pools for $name {
            const OPS: &CStr = $ops;
            const MBUFS: bool = $mbufs;
        })+
    };
}

pools! {
    /// Behind the caches, a ring: the default.
    Ring c"ring_mp_mc" false,
    /// A stack with a lock.
    Stack c"stack" false,
    /// A stack without one.
    LfStack c"lf_stack" false,
    /// Packet buffers: references are counted, and nothing is checked.
    Mbufs c"ring_mp_mc" true,
}

/// A mempool.
struct Pool(NonNull<c_void>);

// SAFETY: a mempool is for many threads.
unsafe impl Send for Pool {}
// SAFETY: as above.
unsafe impl Sync for Pool {}

impl Drop for Pool {
    fn drop(&mut self) {
        // SAFETY: the last hand is gone.
        unsafe { peers_dpdk_end(self.0.as_ptr()) };
    }
}

/// An object's address.
#[derive(Clone, Copy)]
#[repr(transparent)]
struct Object(*mut c_void);

// SAFETY: an address; whoever has the bulk has the object.
unsafe impl Send for Object {}

struct Hand<P>(Arc<Pool>, PhantomData<P>);

impl<P: Pools> Contender for Hand<P> {
    type Bulk<const N: usize> = Items<Object, N>;

    fn pair(setup: &Setup) -> Result<(Self, Self)> {
        start()?;
        // SAFETY: the name is a string, and DPDK runs.
        let pool =
            unsafe { peers_dpdk_pool(P::OPS.as_ptr(), P::MBUFS.into(), setup.pages as c_uint) };
        // SAFETY: DPDK runs.
        let error = unsafe { peers_dpdk_errno() };
        let pool = NonNull::new(pool).with_context(|| format!("no mempool: error {error}"))?;
        let pool = Arc::new(Pool(pool));
        Ok((Hand(Arc::clone(&pool), PhantomData), Hand(pool, PhantomData)))
    }

    fn bulk<const N: usize>() -> Items<Object, N> {
        Items([Object(std::ptr::null_mut()); N])
    }

    #[inline(always)]
    fn alloc<const N: usize>(&mut self, bulk: &mut Items<Object, N>, n: usize) -> usize {
        register();
        let (pool, out) = (self.0.0.as_ptr(), bulk.first(n).as_mut_ptr().cast());
        let call = if P::MBUFS { peers_dpdk_alloc } else { peers_dpdk_get };
        // SAFETY: the bulk has room for so many addresses.
        if unsafe { call(pool, out, n as c_uint) } == 0 { n } else { 0 }
    }

    #[inline(always)]
    fn free<const N: usize>(&mut self, bulk: &mut Items<Object, N>, n: usize) {
        register();
        let objects = bulk.first(n).as_mut_ptr().cast();
        if P::MBUFS {
            // SAFETY: the bulk's buffers were allocated, and are gone after this.
            unsafe { peers_dpdk_free(objects, n as c_uint) };
        } else {
            // SAFETY: as above, from this pool.
            unsafe { peers_dpdk_put(self.0.0.as_ptr(), objects, n as c_uint) };
        }
    }
}

/// All of them. Their objects are small: they take no part where pages are touched.
pub fn entries() -> Vec<Entry> {
    fn entry<P: Pools>(name: &'static str) -> Entry {
        Entry::new::<Hand<P>>(name, Kind::Rival, BY_HAND).untouched()
    }
    vec![
        entry::<Ring>("rte_mempool ring"),
        entry::<Stack>("rte_mempool stack"),
        entry::<LfStack>("rte_mempool lf_stack"),
        entry::<Mbufs>("rte_pktmbuf"),
    ]
}
