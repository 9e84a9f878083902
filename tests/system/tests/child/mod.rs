//! A child process for what would disturb other tests.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Says how it is with a child; any text is a failure.
pub type Verdict = Result<(), String>;

/// Runs `child` in a forked process, and waits for it. A child that hangs is ended by a signal.
pub fn fork(child: impl FnOnce() -> Verdict) {
    // SAFETY: the child uses the pool, the heap (which the C library makes usable in a child), and
    // no lock that another thread may have had.
    let pid = unsafe { libc::fork() };
    assert!(pid >= 0, "{}", std::io::Error::last_os_error());
    if pid == 0 {
        // SAFETY: always allowed.
        unsafe { libc::alarm(5) };
        let verdict = catch_unwind(AssertUnwindSafe(child));
        let text = match verdict {
            // SAFETY: always allowed; nothing of the parent's is dropped.
            Ok(Ok(())) => unsafe { libc::_exit(0) },
            Ok(Err(text)) => format!("in the child: {text}\n"),
            Err(_) => "the child panicked\n".into(),
        };
        // SAFETY: the text lives. Standard error's lock may be another thread's.
        unsafe { libc::write(2, text.as_ptr().cast(), text.len()) };
        // SAFETY: as above.
        unsafe { libc::_exit(1) };
    }
    let mut status = 0;
    // SAFETY: the child is this process's, and the status is valid for the call.
    assert_eq!(unsafe { libc::waitpid(pid, &raw mut status, 0) }, pid);
    let exited = libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
    assert!(exited, "the child ended with status {status:#x}");
}
