//! A filter of system calls that refuses `membarrier`, as old ones do: stealable caches are asked instead.
//!
//! A filter stays for as long as its process, so each is put up in a child.
#![cfg(all(
    feature = "std",
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]

#[macro_use]
#[path = "../../common/mod.rs"]
mod common;
mod child;

use std::io::Error;

use child::{Verdict, fork};
use common::*;

const PAGES: usize = 64;

/// What a filter knows this kind of processor by: the numbers of calls are other ones elsewhere.
const ARCH: u32 = if cfg!(target_arch = "x86_64") { 0xc000_003e } else { 0xc000_00b7 };

/// Where the number of a call, and the kind of processor, are in what a filter looks at.
const NUMBER_AT: u32 = 0;
const ARCH_AT: u32 = 4;

/// Has the system answer `EPERM` to `membarrier`, from now on and for good.
fn refuse_fences() -> Result<(), Error> {
    let step = |code: u32, k: u32, jf: u8| libc::sock_filter { code: code as u16, jt: 0, jf, k };
    let load = |at| step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, at, 0);
    // Goes on with the next step if what was loaded is this, and leaves out some otherwise.
    let is = |what, otherwise| step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, what, otherwise);
    let answer = |what| step(libc::BPF_RET | libc::BPF_K, what, 0);
    let mut steps = [
        load(ARCH_AT),
        is(ARCH, 3),
        load(NUMBER_AT),
        is(libc::SYS_membarrier as u32, 1),
        answer(libc::SECCOMP_RET_ERRNO | libc::EPERM as u32),
        answer(libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: steps.len() as u16, filter: steps.as_mut_ptr() };
    let (yes, none): (libc::c_ulong, libc::c_ulong) = (1, 0);
    // SAFETY: a process may give up what it could gain by running other programs.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, yes, none, none, none) } != 0 {
        return Err(Error::last_os_error());
    }
    let mode = libc::c_ulong::from(libc::SECCOMP_MODE_FILTER);
    // SAFETY: the filter and its steps live for the call, which copies them.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter) } {
        0 => Ok(()),
        _ => Err(Error::last_os_error()),
    }
}

/// What the system answers to a fence of this process: 0, or the number of an error.
fn fence() -> i32 {
    let command = libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED;
    // SAFETY: a fence does nothing to memory.
    match unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) } {
        0 => 0,
        _ => Error::last_os_error().raw_os_error().unwrap_or(-1),
    }
}

/// Says why a child leaves out its test, past the locks of other threads, which it may not have.
fn skip(why: &str) -> Verdict {
    let text = format!("skipped: {why}\n");
    // SAFETY: the text lives for the call.
    unsafe { libc::write(1, text.as_ptr().cast(), text.len()) };
    Ok(())
}

/// Frees pages into a cache, which then has some at hand.
fn fill<M: Mode>(cache: &mut Cache<M, true>) {
    let mut batch = PageBatch::<M, PAGES>::empty();
    assert_eq!(cache.alloc_bulk(&mut batch, 16).allocated, 16);
    cache.free_bulk(&mut batch);
}

/// The filter is there before the pool, or it comes when pages have been stolen.
fn where_the_system_refuses_fences_owners_are_asked<M: Mode>() {
    for late in [false, true] {
        fork(|| {
            let refused = if late { Ok(()) } else { refuse_fences() };
            let pool = build::<M>(PAGES, |builder| {
                builder.max_caches(1).shared_caches(1).magazine_capacity(16)
            });
            let mut sleeper = pool.cache_stealable().expect("a cache");
            fill(&mut sleeper);
            let refused = if late {
                if fence() != 0 {
                    return skip("the system makes no fence");
                }
                assert!(pool.steal_idle() >= 16, "by the system's fence: {pool:#}");
                fill(&mut sleeper);
                refuse_fences()
            } else {
                refused
            };
            if let Err(error) = refused {
                return skip(&format!("no filter of system calls: {error}"));
            }
            assert_eq!(fence(), libc::EPERM, "the filter is there");
            let pages = pool.holders().map(|holder| holder.pages).sum::<usize>();
            assert!(pages >= 16);
            assert_eq!(pool.steal_idle(), 0);
            let holder = pool.holders().next().expect("it keeps them");
            assert_eq!((holder.state, holder.pages), (HolderState::Stealable, pages));
            // It was asked, and gives them up at its next call.
            let none = sleeper.alloc_bulk(&mut PageBatch::<M>::new(), 0);
            assert_eq!((none.reason, pool.holders().count()), (None, 0));
            let mut all = PageBatch::<M, PAGES>::empty();
            assert_eq!(pool.alloc_bulk_exact(&mut all, PAGES), Ok(()));
            drop((all, sleeper));
            assert_whole(pool);
            Ok(())
        });
    }
}

every_mode!(where_the_system_refuses_fences_owners_are_asked);
