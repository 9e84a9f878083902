//! What the targets share: the interpreter of the sequences in `tests/model`, over a mode that the input chooses.

#[macro_use]
#[path = "../../tests/common/mod.rs"]
mod common;
#[macro_use]
#[path = "../../tests/model/steps.rs"]
mod steps;
#[path = "../../tests/model/blocks.rs"]
mod blocks;
#[path = "../../tests/model/counts.rs"]
mod counts;
#[path = "../../tests/model/devices.rs"]
mod devices;
#[path = "../../tests/model/ends.rs"]
mod ends;
#[path = "../../tests/model/fenced.rs"]
mod fenced;
#[path = "../../tests/model/foreign.rs"]
mod foreign;
#[path = "../../tests/model/idle.rs"]
mod idle;
#[path = "../../tests/model/looks.rs"]
mod looks;
#[path = "../../tests/model/moves.rs"]
mod moves;
#[path = "../../tests/model/nodes.rs"]
mod nodes;
#[path = "../../tests/model/op.rs"]
mod op;
#[path = "../../tests/model/refusals.rs"]
mod refusals;
#[path = "../../tests/model/resize.rs"]
mod resize;
#[path = "../../tests/model/shares.rs"]
mod shares;
#[path = "../../tests/model/statics.rs"]
mod statics;
#[path = "../../tests/model/waiters.rs"]
mod waiters;
#[path = "../../tests/model/world.rs"]
mod world;

use common::*;
use nodes::{NODES, Nodes, POLICIES};
use op::{BYTES, Op};
use shares::{Counted, Uncounted};
use waiters::Waiters;
use world::World;

/// The operations of some bytes.
fn ops(bytes: &[u8]) -> Vec<Op> {
    let (ops, _) = bytes.as_chunks::<BYTES>();
    ops.iter().copied().map(Op::from).collect()
}

/// Calls `$body` with the mode that a byte names: each distinct one, those that count also with shared
/// pages.
macro_rules! in_mode {
    ($byte:expr, $body:ident($($arg:expr),*)) => {
        match $byte % 17 {
            0 => $body::<Bare, Uncounted>($($arg),*),
            1 => $body::<Select<false, false, true, 0>, Uncounted>($($arg),*),
            2 => $body::<Select<false, true, false, 0>, Uncounted>($($arg),*),
            3 => $body::<NoRefcount, Uncounted>($($arg),*),
            4 => $body::<Select<false, true, false, { hardening::ALL }>, Uncounted>($($arg),*),
            5 => $body::<Select<false, true, true, { hardening::ALL }>, Uncounted>($($arg),*),
            6 => $body::<Select<true, false, false, 0>, Counted>($($arg),*),
            7 => $body::<NoChecks, Counted>($($arg),*),
            8 => $body::<NoStats, Counted>($($arg),*),
            9 => $body::<Checked, Counted>($($arg),*),
            10 => $body::<Select<true, true, false, { hardening::ALL }>, Counted>($($arg),*),
            11 => $body::<Hardened, Counted>($($arg),*),
            12 => $body::<Select<true, true, true, { hardening::CLAIM }>, Counted>($($arg),*),
            13 => $body::<Select<true, true, true, { hardening::POISON }>, Counted>($($arg),*),
            14 => $body::<Select<true, true, true, { hardening::QUARANTINE }>, Counted>($($arg),*),
            15 => $body::<Select<true, true, true, { hardening::SHUFFLE }>, Counted>($($arg),*),
            _ => $body::<Compact, Uncounted>($($arg),*),
        }
    };
}

/// How many pages a byte names: few, but now and then so many that a block of any order has room.
fn pages_of(byte: u8) -> usize {
    let few = usize::from(byte);
    if few < 248 { few + 1 } else { 1024 + (few - 248) * 180 }
}

/// One thread, with the naive model as oracle: mode, pages, operations.
pub fn alone(input: &[u8]) {
    fn run<M: Mode, S: shares::Shares<M>>(pages: usize, bytes: &[u8]) {
        let mut world = World::<M, S>::new(pages);
        ops(bytes).into_iter().for_each(|op| world.step(op));
        if pages.is_multiple_of(3) { world.end_without_handles() } else { world.end() }
    }
    let [mode, pages, bytes @ ..] = input else { return };
    in_mode!(mode, run(pages_of(*pages), bytes));
}

/// Two threads, with one owner to a page as oracle: mode, pages, operations of both.
pub fn both(input: &[u8]) {
    fn run<M: Mode, S: shares::Shares<M>>(pages: usize, bytes: &[u8]) {
        let (own, other) = bytes.split_at(bytes.len() / 2);
        World::<M, S>::both(pages, &ops(own), &ops(other));
    }
    let [mode, pages, bytes @ ..] = input else { return };
    in_mode!(mode, run(pages_of(*pages), bytes));
}

/// A set of nodes: mode, policy, the size of each node, calls.
pub fn nodes(input: &[u8]) {
    #[expect(clippy::extra_unused_type_parameters, reason = "`in_mode` names both")]
    fn run<M: Mode, S>(policy: u8, sizes: [u8; NODES], bytes: &[u8]) {
        let policy = POLICIES[usize::from(policy) % POLICIES.len()];
        let mut nodes = Nodes::<M>::new(policy, sizes.map(|size| usize::from(size) % 39 + 1));
        bytes.as_chunks().0.iter().for_each(|&step| nodes.step(step));
        nodes.end();
    }
    let [mode, policy, one, two, three, bytes @ ..] = input else { return };
    in_mode!(mode, run(*policy, [*one, *two, *three], bytes));
}

/// Tasks that wait: mode, pages, steps.
pub fn waiters(input: &[u8]) {
    #[expect(clippy::extra_unused_type_parameters, reason = "`in_mode` names both")]
    fn run<M: Mode, S>(pages: u8, bytes: &[u8]) {
        let (shared, has_marks) = (usize::from(pages % 2), pages & 2 != 0);
        let mut waiters = Waiters::<M>::new(usize::from(pages / 4) % 20, shared, has_marks);
        bytes.as_chunks().0.iter().for_each(|&step| waiters.step(step));
        waiters.end();
    }
    let [mode, pages, bytes @ ..] = input else { return };
    in_mode!(mode, run(*pages, bytes));
}
