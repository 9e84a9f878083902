//! Threads that receive into buffers, and one that is handed all of them.

use std::sync::mpsc;
use std::thread;

/// Threads that receive.
const RECEIVERS: u64 = 2;
/// Buffers that are handed over together, and how often a thread does so before it waits.
const TOGETHER: usize = 32;
const DEPTH: usize = 8;

/// Receives `count` buffers, each with a number, and handles each in another thread.
pub fn run<B: Send>(count: u64, receive: impl Fn(u64) -> B + Sync, handle: impl Fn(u64, B)) {
    let receive = &receive;
    thread::scope(|threads| {
        let (hand, handed) = mpsc::sync_channel::<(u64, Vec<(u64, B)>)>(DEPTH);
        let mut back = Vec::new();
        for of in 0..RECEIVERS {
            // Lists that are empty go back to whom they came from, so that nobody allocates one.
            let (give_back, given_back) = mpsc::sync_channel(DEPTH);
            for _ in 0..DEPTH {
                give_back.send(Vec::with_capacity(TOGETHER)).expect("there is room");
            }
            back.push(give_back);
            let hand = hand.clone();
            threads.spawn(move || {
                let mut numbers = (of..count).step_by(RECEIVERS as usize).peekable();
                while numbers.peek().is_some() {
                    let mut list: Vec<_> = given_back.recv().expect("the handler is there");
                    let some = numbers.by_ref().take(TOGETHER);
                    list.extend(some.map(|number| (number, receive(number))));
                    hand.send((of, list)).expect("the handler is there");
                }
            });
        }
        drop(hand);
        for (of, mut list) in handed {
            list.drain(..).for_each(|(number, buf)| handle(number, buf));
            // Who has ended wants no more lists.
            let _ = back[of as usize].send(list);
        }
    });
}
