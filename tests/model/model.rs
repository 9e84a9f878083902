//! Sequences of operations against a naive model: a page has one owner, the numbers add up, what an owner wrote stays
//! as it is until the owner lets go.

#[macro_use]
#[path = "../common/mod.rs"]
mod common;
#[macro_use]
mod steps;
mod blocks;
mod counts;
mod devices;
mod ends;
mod fenced;
mod foreign;
mod idle;
mod looks;
mod moves;
mod nodes;
mod op;
mod refusals;
mod resize;
mod shares;
mod statics;
mod waiters;
mod world;

use std::ops::Range;

use common::*;
use nodes::{NODES, Nodes, POLICIES};
use op::{BYTES, Kind, Op};
use proptest::prelude::*;
use proptest::test_runner::{
    Config, FailurePersistence, FileFailurePersistence, TestCaseError, TestRunner,
};
use shares::{Counted, Shares, Uncounted};
use waiters::Waiters;
use world::World;

/// Of pools that two threads use: one has marks.
const PAGES: [usize; 2] = [100, 98];

/// Of pools that have room for a block of any order, or for two.
const LARGE: Range<usize> = 1024..2300;

/// Cases for each mode, and the most operations in each.
const CASES: u32 = often(48) as u32;
const STEPS: usize = 200;

fn run<M: Mode, S: Shares<M>>(pages: usize, ops: &[Op]) {
    let mut world = World::<M, S>::new(pages);
    ops.iter().for_each(|&op| world.step(op));
    if pages.is_multiple_of(3) { world.end_without_handles() } else { world.end() }
}

/// Tries a body on random inputs. What fails is reduced, and kept where that is said.
fn holds<S: Strategy>(
    failure_persistence: Option<Box<dyn FailurePersistence>>,
    input: S,
    body: impl Fn(S::Value),
) {
    let config = Config { cases: CASES, failure_persistence, ..Config::default() };
    let result = TestRunner::new(config).run(&input, |input| {
        body(input);
        Ok::<(), TestCaseError>(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}

fn sequences<M: Mode, S: Shares<M>>() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/proptest-regressions.txt");
    let persistence = FileFailurePersistence::Direct(file);
    let op = any::<[u8; BYTES]>().prop_map(Op::from);
    let ops = proptest::collection::vec(op, 1..STEPS);
    // Few pools have room for blocks of more than 64 pages, and fewer for the largest, for each step
    // looks at every page.
    let pages = prop_oneof![30 => 1..120_usize, 6 => 120..300_usize, 1 => LARGE];
    holds(Some(Box::new(persistence)), (pages, ops), |(pages, ops)| run::<M, S>(pages, &ops));
}

fn any_sequence_keeps_every_page<M: Mode>() {
    sequences::<M, Uncounted>();
}

fn any_sequence_with_shared_pages_keeps_every_page<M: Refcounted>() {
    sequences::<M, Counted>();
}

fn a_set_of_nodes_keeps_every_page<M: Mode>() {
    let steps = proptest::collection::vec(any::<[u8; 3]>(), 1..60);
    let input = (proptest::sample::select(&POLICIES), [const { 1..40_usize }; NODES], steps);
    holds(None, input, |(policy, sizes, steps)| {
        let mut nodes = Nodes::<M>::new(policy, sizes);
        steps.into_iter().for_each(|step| nodes.step(step));
        nodes.end();
    });
}

fn all_who_wait_are_served_in_turn<M: Mode>() {
    let steps = proptest::collection::vec(any::<[u8; 2]>(), 1..80);
    let input = (1..20_usize, 0..2_usize, any::<bool>(), steps);
    holds(None, input, |(pages, shared, has_marks, steps)| {
        let mut waiters = Waiters::<M>::new(pages, shared, has_marks);
        steps.into_iter().for_each(|step| waiters.step(step));
        waiters.end();
    });
}

/// Operations at random.
fn random_ops(seed: u64) -> Vec<Op> {
    let mut random = Random::new(seed);
    (0..often(1500)).map(|_| Op::from([0; BYTES].map(|_| random.next() as u8))).collect()
}

fn two_threads_keep_every_page<M: Mode>() {
    for seed in 0..4 {
        World::<M, Uncounted>::both(
            PAGES[seed as usize % 2],
            &random_ops(seed),
            &random_ops(seed + 100),
        );
    }
}

fn two_threads_with_shared_pages_keep_every_page<M: Refcounted>() {
    for seed in 0..4 {
        World::<M, Counted>::both(
            PAGES[seed as usize % 2],
            &random_ops(seed),
            &random_ops(seed + 100),
        );
    }
}

every_mode!(
    any_sequence_keeps_every_page,
    two_threads_keep_every_page,
    a_set_of_nodes_keeps_every_page,
    all_who_wait_are_served_in_turn,
);
every_refcounted_mode!(
    any_sequence_with_shared_pages_keeps_every_page,
    two_threads_with_shared_pages_keep_every_page,
);

#[test]
fn every_operation_has_bytes() {
    let kinds: Vec<_> = (0..=u8::MAX).map(|byte| Op::from([byte, 0, 0]).0).collect();
    assert!(Kind::ALL.iter().all(|kind| kinds.contains(kind)));
}
