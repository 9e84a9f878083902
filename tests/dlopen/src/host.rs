//! A thread's first touch of a pool, in a signal handler that interrupted `malloc`, in a library loaded at run time.
//!
//! The program's own `malloc` sends its thread a signal while it holds what would be its lock. Whatever the handler
//! does must not call it again: a real `malloc` would wait for itself for ever. The thread-locals of a library that was
//! loaded at run time are allocated at a thread's first touch of one, so nothing on the way may be one.

use std::ffi::{CStr, CString, c_int, c_void};
use std::mem;
use std::os::unix::ffi::OsStrExt;
use std::ptr::null_mut;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicUsize, Ordering::SeqCst};
use std::thread;

unsafe extern "C" {
    fn __libc_malloc(size: usize) -> *mut c_void;
    fn __libc_calloc(count: usize, size: usize) -> *mut c_void;
    fn __libc_realloc(block: *mut c_void, size: usize) -> *mut c_void;
    fn __libc_memalign(align: usize, size: usize) -> *mut c_void;
    fn __libc_free(block: *mut c_void);
}

/// The thread whose next `malloc` is interrupted; 0 if none.
static ARMED: AtomicU32 = AtomicU32::new(0);
/// The thread that is inside `malloc`, interrupted by the handler; 0 if none.
static INSIDE: AtomicU32 = AtomicU32::new(0);
/// How often the handler called the C library's heap.
static CALLS: AtomicUsize = AtomicUsize::new(0);
/// How many pages the handler has had in its hands.
static PAGES: AtomicUsize = AtomicUsize::new(0);
static POOL: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static BATCH: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static ACT: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

fn this_thread() -> u32 {
    // SAFETY: always allowed. No thread-local, no heap.
    unsafe { libc::syscall(libc::SYS_gettid) as u32 }
}

/// Notices a call from the handler, and interrupts the thread if it is its turn.
fn on_the_way_in() {
    let me = this_thread();
    if INSIDE.load(SeqCst) == me {
        CALLS.fetch_add(1, SeqCst);
    } else if ARMED.compare_exchange(me, 0, SeqCst, SeqCst).is_ok() {
        INSIDE.store(me, SeqCst);
        // SAFETY: the handler is installed. The signal is delivered before this returns.
        unsafe { libc::syscall(libc::SYS_tgkill, libc::getpid(), me, libc::SIGUSR1) };
        INSIDE.store(0, SeqCst);
    }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn malloc(size: usize) -> *mut c_void {
    on_the_way_in();
    // SAFETY: passed on to the caller.
    unsafe { __libc_malloc(size) }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn calloc(count: usize, size: usize) -> *mut c_void {
    on_the_way_in();
    // SAFETY: passed on to the caller.
    unsafe { __libc_calloc(count, size) }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn realloc(block: *mut c_void, size: usize) -> *mut c_void {
    on_the_way_in();
    // SAFETY: passed on to the caller.
    unsafe { __libc_realloc(block, size) }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn memalign(align: usize, size: usize) -> *mut c_void {
    on_the_way_in();
    // SAFETY: passed on to the caller.
    unsafe { __libc_memalign(align, size) }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn aligned_alloc(align: usize, size: usize) -> *mut c_void {
    on_the_way_in();
    // SAFETY: passed on to the caller.
    unsafe { __libc_memalign(align, size) }
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn posix_memalign(out: *mut *mut c_void, align: usize, size: usize) -> c_int {
    on_the_way_in();
    // SAFETY: passed on to the caller.
    unsafe { *out = __libc_memalign(align, size) };
    0
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn free(block: *mut c_void) {
    if INSIDE.load(SeqCst) == this_thread() {
        CALLS.fetch_add(1, SeqCst);
    }
    // SAFETY: passed on to the caller.
    unsafe { __libc_free(block) };
}

extern "C" fn handler(_: c_int) {
    // SAFETY: it was stored from such a function.
    let act = unsafe { mem::transmute::<*mut c_void, extern "C" fn()>(ACT.load(SeqCst)) };
    act();
}

/// The library, loaded when the program runs.
struct Library(*mut c_void);

impl Library {
    fn load() -> Self {
        let program = std::env::current_exe().expect("this program");
        let folder = program.parent().expect("it lies in a folder");
        let name = folder.join("libdlopen.so");
        let name = CString::new(name.as_os_str().as_bytes()).expect("no zeros");
        // SAFETY: the library has no constructors that ask for anything.
        let library = unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW) };
        // SAFETY: `dlerror` gives a C string after a failure.
        let why = || unsafe { CStr::from_ptr(libc::dlerror()) };
        assert!(!library.is_null(), "{:?}", why());
        Library(library)
    }

    fn function(&self, name: &CStr) -> *mut c_void {
        // SAFETY: the library is loaded.
        let function = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        assert!(!function.is_null(), "{name:?}");
        function
    }
}

static TOUCH: AtomicPtr<c_void> = AtomicPtr::new(null_mut());
static DROP: AtomicPtr<c_void> = AtomicPtr::new(null_mut());

/// Calls a function of the library that takes a pointer and says how many pages it had.
fn call(function: &AtomicPtr<c_void>, argument: &AtomicPtr<c_void>) {
    type Function = unsafe extern "C" fn(*mut c_void) -> usize;
    // SAFETY: both functions have this signature.
    let function = unsafe { mem::transmute::<*mut c_void, Function>(function.load(SeqCst)) };
    // SAFETY: the argument is of the kind that the function asks for.
    PAGES.fetch_add(unsafe { function(argument.load(SeqCst)) }, SeqCst);
}

extern "C" fn touches() {
    call(&TOUCH, &POOL);
}

extern "C" fn drops() {
    call(&DROP, &BATCH);
}

/// Lets a new thread's `malloc` be interrupted by a handler that does this. Returns the pages that it had, and how
/// often it called the heap.
fn interrupted(act: extern "C" fn()) -> (usize, usize) {
    ACT.store(act as *mut c_void, SeqCst);
    PAGES.store(0, SeqCst);
    CALLS.store(0, SeqCst);
    let interrupt = || {
        ARMED.store(this_thread(), SeqCst);
        drop(std::hint::black_box(Box::new(7)));
        assert_eq!(ARMED.load(SeqCst), 0, "the program's malloc was not called");
    };
    thread::spawn(interrupt).join().expect("no panic");
    (PAGES.load(SeqCst), CALLS.load(SeqCst))
}

extern "C" fn allocates() {
    drop(std::hint::black_box(Box::new(7)));
}

fn main() {
    let library = Library::load();
    type Opens = extern "C" fn() -> *mut c_void;
    type Takes = unsafe extern "C" fn(*mut c_void) -> *mut c_void;
    // SAFETY: the function has this signature.
    let open = unsafe { mem::transmute::<*mut c_void, Opens>(library.function(c"pool_open")) };
    // SAFETY: as above.
    let take = unsafe { mem::transmute::<*mut c_void, Takes>(library.function(c"pool_take")) };
    TOUCH.store(library.function(c"pool_touch"), SeqCst);
    DROP.store(library.function(c"pool_drop"), SeqCst);
    POOL.store(open(), SeqCst);
    // SAFETY: the pool was just opened.
    BATCH.store(unsafe { take(POOL.load(SeqCst)) }, SeqCst);

    // SAFETY: all zeros is a valid `sigaction`: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { mem::zeroed() };
    action.sa_sigaction = handler as extern "C" fn(c_int) as usize;
    // SAFETY: the handler only does what is tried here.
    assert_eq!(unsafe { libc::sigaction(libc::SIGUSR1, &raw const action, null_mut()) }, 0);

    let (_, calls) = interrupted(allocates);
    assert!(calls >= 2, "a handler that calls the heap is not noticed");
    let found =
        [("allocating and freeing", touches as extern "C" fn(), 33), ("dropping", drops, 32)];
    for (what, act, pages) in found {
        let (had, calls) = interrupted(act);
        assert_eq!(had, pages, "{what}");
        assert_eq!(calls, 0, "{what} for the first time called the heap");
        println!("{what} {had} pages for the first time called the heap {calls} times");
    }
}
