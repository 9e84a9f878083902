//! What it takes to look at something of each page that comes back, and to change it, when 2,048,
//! 64 k or a million pages are out and come back in no order: everything is asked for ahead (where there is
//! a way to ask), and nothing else is done. These are the floors of the matrix' shapes
//! `keep_2048` and `outstanding_random`, by what a page's state takes up.
//!
//! Of a million pages, others have been through the caches since the last turn, of 1,024 calls; what a turn finds near
//! is what it has brought there itself. Of fewer pages, all that is looked at stays near.

use std::cell::Cell;
use std::hint::black_box;

use crate::common;
use crate::rounds::{Body, Rounds};

/// Pages that are out.
const OUT: [usize; 3] = [1 << 11, 1 << 16, 1 << 20];

/// Asks the processor for something that will be read soon.
#[inline(always)]
fn fetch_ahead<T>(soon: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: a hint, which reads nothing. Every x86-64 has the instruction.
        unsafe { _mm_prefetch::<_MM_HINT_T0>((&raw const *soon).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = soon;
}

/// Goes on through the pages, `n` at a time: looks at the word of each, and changes it as `change` says.
#[inline(always)]
fn looks<T: Copy>(
    words: &[Cell<T>],
    ids: &mut std::iter::Cycle<std::slice::Chunks<'_, u32>>,
    times: usize,
    at: impl Fn(u32) -> usize,
    change: impl Fn(u32, T) -> T,
) {
    for ids in ids.take(times) {
        ids.iter().for_each(|&id| fetch_ahead(&words[at(id)]));
        for &id in ids {
            let word = &words[at(id)];
            word.set(change(id, word.get()));
        }
    }
    black_box(words);
}

/// Prints how long a page takes by what is looked at: 8 bytes of each, 4, 1, or a bit.
pub fn print(rounds: &Rounds) {
    for pages in OUT {
        looks_at(rounds, pages);
    }
}

fn looks_at(rounds: &Rounds, pages: usize) {
    let mut ids: Vec<u32> = (0..pages as u32).collect();
    common::shuffle(&mut ids);
    let words = vec![Cell::new(0_u64); pages];
    let halves = vec![Cell::new(0_u32); pages];
    let bytes = vec![Cell::new(0_u8); pages];
    let bits = vec![Cell::new(0_u64); pages / 64];
    let place = |id: u32| id as usize;
    println!("{:4} k out, n   8 bytes   4 bytes    a byte     a bit", pages >> 10);
    for n in [1, 8, 64, 256] {
        let [mut of_words, mut of_halves, mut of_bytes, mut of_bits] =
            [(); 4].map(|()| ids.chunks(n).cycle());
        let bodies: &mut [Body<'_>] = &mut [
            &mut |_, count| looks(&words, &mut of_words, count, place, |_, word| word + 1),
            &mut |_, count| looks(&halves, &mut of_halves, count, place, |_, half| half + 1),
            &mut |_, count| {
                looks(&bytes, &mut of_bytes, count, place, |_, byte| byte.wrapping_add(1))
            },
            &mut |_, count| {
                let place = |id| place(id) / 64;
                looks(&bits, &mut of_bits, count, place, |id, bits| bits ^ 1 << (id % 64));
            },
        ];
        if pages == OUT[2] {
            rounds.print_cold(n, bodies);
        } else {
            rounds.print(n, bodies);
        }
    }
}
