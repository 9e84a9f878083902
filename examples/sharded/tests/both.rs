//! What holds for the original holds for the pool over pages: the same tests, with another crate in the `use`.

/// The tests, for a crate.
macro_rules! both {
    ($($pools:ident),*) => {$(
        mod $pools {
            use std::collections::VecDeque;
            use std::io;
            use std::task::{Context, Poll, Waker};
            use std::thread;

            use ::$pools::{ConsumeBuffer, Pool, PooledBuf, Pooled, RawPoolBufDatagramIo, Reuse};

            type One = Pool<1, ConsumeBuffer>;
            type Three = Pool<3, ConsumeBuffer>;

            const TRIM: usize = 1000;
            /// Up to what a page may have more.
            const MOST: usize = 1024;

            fn one(limit: usize) -> &'static One {
                Box::leak(Box::new(One::new(limit, TRIM, concat!(stringify!($pools), " one"))))
            }

            fn three(limit: usize) -> &'static Three {
                Box::leak(Box::new(Three::new(limit, TRIM, concat!(stringify!($pools), " three"))))
            }

            fn bytes(len: usize) -> Vec<u8> {
                (0..len).map(|at| (at * 7 + len) as u8).collect()
            }

            #[test]
            fn a_pool_is_made_for_a_static() {
                static POOL: Pool<32, ConsumeBuffer> = Pool::<32, ConsumeBuffer>::new(320, TRIM, "static");
                assert_eq!(POOL.with_slice(b"bytes")[..], b"bytes"[..]);
            }

            #[test]
            fn an_empty_pool_gives_empty_buffers() {
                let pool = three(6);
                let mut all: Vec<_> = (0..12).map(|_| pool.get()).collect();
                assert!(all.iter().all(|buf| buf.is_empty()));
                all.iter_mut().for_each(|buf| buf.extend(&bytes(500)));
                assert!(all.iter().all(|buf| buf[..] == bytes(500)));
            }

            #[test]
            fn a_buffer_comes_back_empty_with_memory() {
                let pool = one(4);
                drop(pool.with_slice(&bytes(700)));
                let buf = pool.get();
                assert!(buf.is_empty() && buf.capacity() >= 700, "{}", buf.capacity());
            }

            #[test]
            fn more_can_be_out_than_are_kept() {
                let pool = three(6);
                for _ in 0..3 {
                    let all: Vec<_> = (0..50).map(|n| pool.with_slice(&bytes(n * 10))).collect();
                    assert!(all.iter().enumerate().all(|(n, buf)| buf[..] == bytes(n * 10)));
                }
            }

            #[test]
            fn a_pool_may_keep_nothing() {
                let pool = three(0);
                drop(pool.with_slice(&bytes(300)));
                assert_eq!(pool.with_slice(&bytes(300))[..], bytes(300));
            }

            #[test]
            fn a_large_buffer_is_not_kept_large() {
                let pool = one(4);
                let buf = pool.with_slice(&bytes(5 * TRIM));
                assert_eq!(buf[..], bytes(5 * TRIM));
                drop(buf);
                let buf = pool.get();
                assert!(buf.is_empty() && buf.capacity() <= MOST, "{}", buf.capacity());
            }

            #[test]
            fn a_buffer_that_grows_keeps_its_bytes() {
                let mut buf = one(4).with_slice(&bytes(900));
                buf.pop_front(100);
                buf.extend(&bytes(3000));
                assert_eq!(buf[..], [&bytes(900)[100..], &bytes(3000)].concat());
                assert!(buf.add_prefix(&[1; 100]) && !buf.add_prefix(&[2]));
                assert_eq!((buf.len(), buf[..100] == [1; 100]), (3900, true));
            }

            #[test]
            fn bytes_come_from_any_iterator() {
                let all = bytes(2000);
                for len in [0, 1, 999, 1000, 2000] {
                    let mut buf = one(4).get();
                    buf.extend(all[..len].iter().filter(|_| true));
                    assert_eq!(buf[..], all[..len]);
                    let mut buf = one(4).get_empty();
                    let mut left = all[..len].iter();
                    buf.extend(std::iter::from_fn(|| left.next()));
                    assert_eq!(buf[..], all[..len]);
                }
            }

            #[test]
            fn an_empty_buffer_gets_memory_when_it_is_written() {
                let pool = one(4);
                let mut buf = pool.get_empty();
                assert_eq!((buf.len(), buf.capacity()), (0, 0));
                buf.extend(&bytes(10));
                assert!(buf[..] == bytes(10) && buf.capacity() >= 10);
            }

            #[test]
            fn what_is_changed_as_it_is_got_is_changed() {
                let buf = one(4).get_with(|buf| buf.expand(600));
                assert_eq!(buf.len(), 600);
            }

            #[test]
            fn bytes_from_elsewhere_are_as_they_were() {
                let pool = one(4);
                let mut buf = pool.from_owned(ConsumeBuffer::from_vec(bytes(3000)));
                assert_eq!(buf[..], bytes(3000));
                buf.pop_front(1000);
                buf[0] = 1;
                let vec = buf.into_inner().into_vec();
                assert_eq!((vec.len(), vec[0], &vec[1..]), (2000, 1, &bytes(3000)[1001..]));
                drop(pool.from_owned(ConsumeBuffer::from_vec(Vec::new())));
            }

            #[test]
            fn bytes_of_the_pool_go_elsewhere() {
                let mut buf = one(4).with_slice(&bytes(800));
                buf.pop_front(300);
                assert_eq!(buf.into_inner().into_vec(), bytes(800)[300..]);
                assert!(ConsumeBuffer::default().into_vec().is_empty());
            }

            #[test]
            fn bytes_are_consumed_and_prefixed() {
                let mut buf = one(4).with_slice(b"header payload");
                buf.pop_front(7);
                assert_eq!(buf[..], b"payload"[..]);
                assert!(!buf.add_prefix(b"too long"), "there is room for seven");
                assert!(buf.add_prefix(b"flow ") && buf.add_prefix(b"a ") && !buf.add_prefix(b"b"));
                assert_eq!(buf[..], b"a flow payload"[..]);
                buf.pop_front(14);
                assert!(buf.is_empty());
                buf.pop_front(0);
            }

            #[test]
            #[should_panic]
            fn more_than_there_is_cannot_be_consumed() {
                one(4).with_slice(&bytes(10)).pop_front(11);
            }

            #[test]
            #[should_panic]
            fn nothing_can_be_consumed_of_nothing() {
                ConsumeBuffer::default().pop_front(1);
            }

            #[test]
            fn lengths_count_what_is_consumed_or_not() {
                for room in [100, 5000] {
                    let mut buf = one(4).get();
                    buf.expand(room);
                    buf.copy_from_slice(&bytes(room));
                    buf.pop_front(10);
                    buf.truncate(20); // does not
                    assert_eq!(buf[..], bytes(room)[10..30]);
                    buf.expand(50); // does
                    assert_eq!((buf.len(), &buf[..20]), (40, &bytes(room)[10..30]));
                    buf.truncate(100);
                    assert_eq!(buf.len(), 40);
                    buf.truncate(0);
                    assert!(buf.is_empty() && buf.add_prefix(&[1; 10]));
                }
            }

            #[test]
            fn a_buffer_is_dropped_on_another_thread() {
                let pool = one(2);
                let buf = pool.with_slice(&bytes(100));
                let other = thread::spawn(move || assert_eq!(buf[..], bytes(100)));
                other.join().expect("it ends well");
                assert!(pool.get().is_empty());
            }

            #[test]
            fn threads_share_a_pool() {
                let pool = three(9);
                thread::scope(|threads| {
                    for of in 0..4 {
                        threads.spawn(move || {
                            let mut kept = VecDeque::new();
                            for n in 0..500 {
                                let len = (n * 31 + of) % 1500;
                                kept.push_back((len, pool.with_slice(&bytes(len))));
                                if kept.len() == 5 {
                                    let (len, buf) = kept.pop_front().expect("one of five");
                                    assert_eq!(buf[..], bytes(len));
                                }
                            }
                        });
                    }
                });
            }

            #[test]
            fn vectors_are_kept() {
                let pool: &'static Pool<1, Vec<u8>> =
                    Box::leak(Box::new(Pool::<1, Vec<u8>>::new(1, 4, concat!(stringify!($pools), " vec"))));
                drop([pool.with_slice(&[1; 100]), pool.with_slice(&[2; 100])]);
                let [first, second] = [pool.get(), pool.get()];
                assert!(first.is_empty() && second.is_empty());
                assert_eq!((first.capacity() > 0, second.capacity()), (true, 0), "one of one is kept");
                assert_eq!(pool.from_owned(vec![7]).into_inner(), [7]);
                let deque: &'static Pool<2, VecDeque<u8>> =
                    Box::leak(Box::new(Pool::<2, VecDeque<u8>>::new(2, 4, concat!(stringify!($pools), " deque"))));
                drop([deque.with_slice(&[1; 9]), deque.with_slice(&[1; 9])]);
                assert!(deque.get().capacity() > 0 && deque.get().capacity() > 0);
                assert_eq!(deque.get_empty().capacity(), 0);
            }

            /// Counts how often it was used again.
            #[derive(Default, Debug)]
            struct Counted(usize);

            impl Reuse for Counted {
                fn reuse(&mut self, trim: usize) -> bool {
                    self.0 += 1;
                    self.0 < trim
                }

                fn capacity(&self) -> usize {
                    self.0
                }
            }

            #[test]
            fn a_type_says_whether_it_is_kept() {
                let pool: &'static Pool<1, Counted> =
                    Box::leak(Box::new(Pool::<1, Counted>::new(1, 3, concat!(stringify!($pools), " counted"))));
                let counts: Vec<_> = (0..5).map(|_| pool.get().0).collect();
                assert_eq!(counts, [0, 1, 2, 0, 1]);
            }

            /// Gives what it has, and then what it ends with.
            struct Source(Vec<PooledBuf>, fn() -> Poll<io::Result<PooledBuf>>);

            impl RawPoolBufDatagramIo for Source {
                fn poll_send_datagrams(
                    &mut self,
                    _: &mut Context,
                    datagrams: &mut [PooledBuf],
                ) -> Poll<io::Result<usize>> {
                    Poll::Ready(Ok(datagrams.len()))
                }

                fn poll_recv_dgram(&mut self, _: &mut Context) -> Poll<io::Result<PooledBuf>> {
                    self.0.pop().map_or_else(self.1, |buf| Poll::Ready(Ok(buf)))
                }
            }

            #[test]
            fn datagrams_are_received_as_far_as_they_have_come() {
                let pool = one(4);
                let mut context = Context::from_waker(Waker::noop());
                let ends: [fn() -> Poll<io::Result<PooledBuf>>; 2] =
                    [|| Poll::Pending, || Poll::Ready(Err(io::Error::other("gone")))];
                for end in ends {
                    let mut source = Source((0..5).map(|_| pool.get()).collect(), end);
                    let mut all = Vec::new();
                    for (limit, received) in [(0, 0), (3, 3), (9, 2)] {
                        let got = source.poll_recv_datagrams(&mut context, &mut all, limit);
                        assert!(matches!(got, Poll::Ready(Ok(n)) if n == received), "{got:?}");
                    }
                    let end = source.poll_recv_datagrams(&mut context, &mut all, 1);
                    assert!(matches!(end, Poll::Pending | Poll::Ready(Err(_))), "{end:?}");
                    assert_eq!(all.len(), 5);
                }
            }

            #[test]
            fn all_can_be_printed_and_sent() {
                fn shown<T: std::fmt::Debug + Send + Sync>(what: &T) {
                    assert!(!format!("{what:?}").is_empty());
                }
                shown(one(1));
                shown::<Pooled<ConsumeBuffer>>(&one(1).with_slice(b"bytes"));
                shown(&ConsumeBuffer::default());
            }
        }
    )*};
}

both!(buffer_pool, sharded);
