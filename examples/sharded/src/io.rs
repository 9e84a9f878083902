//! What a program that moves pooled buffers implements.

use std::io;
use std::task::{Context, Poll};

use crate::{ConsumeBuffer, Pooled};

/// A buffer of a pool.
pub type PooledBuf = Pooled<ConsumeBuffer>;

/// A stream that is given buffers, and gives them.
pub trait RawPoolBufIo: Send {
    /// Waits until a buffer can be sent.
    fn poll_send_reserve(&mut self, cx: &mut Context) -> Poll<io::Result<()>>;

    /// Sends a buffer; with `fin` it is the last one.
    fn send_buf(&mut self, buf: PooledBuf, fin: bool) -> io::Result<()>;

    /// Waits for a buffer.
    fn poll_recv_buf(&mut self, cx: &mut Context) -> Poll<io::Result<PooledBuf>>;
}

/// A socket of datagrams, each in a buffer.
pub trait RawPoolBufDatagramIo: Send {
    /// Sends the first of these, and says how many.
    fn poll_send_datagrams(
        &mut self,
        cx: &mut Context,
        datagrams: &mut [PooledBuf],
    ) -> Poll<io::Result<usize>>;

    /// Waits for a datagram.
    fn poll_recv_dgram(&mut self, cx: &mut Context) -> Poll<io::Result<PooledBuf>>;

    /// Takes what has come, at most `limit` datagrams, and says how many. Waits, or fails, only if there was none.
    fn poll_recv_datagrams(
        &mut self,
        cx: &mut Context,
        buffer: &mut Vec<PooledBuf>,
        limit: usize,
    ) -> Poll<io::Result<usize>> {
        for received in 0..limit {
            match self.poll_recv_dgram(cx) {
                Poll::Ready(Ok(datagram)) => buffer.push(datagram),
                _ if received > 0 => return Poll::Ready(Ok(received)),
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
        Poll::Ready(Ok(limit))
    }
}
