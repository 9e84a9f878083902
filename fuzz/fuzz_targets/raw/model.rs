//! What is out of the pool, and so what each call has to say.

use std::collections::BTreeMap;
use std::fmt::Debug;

use pagesheaf::{Fault, Order, PageError, PageId, PlaceReason};

/// Five words of the zone: blocks of two and of four of them have room.
pub const PAGES: u16 = 320;

/// The page that a byte names: each of the first two words, every other one above, and some past the
/// end.
pub fn page(byte: u8) -> u16 {
    let byte = u16::from(byte);
    if byte < 128 { byte } else { 2 * byte - 128 }
}

/// The order of one page.
const SINGLE: Order = match Order::new(0) {
    Some(order) => order,
    None => unreachable!(),
};

/// What is out.
#[derive(Default)]
pub struct Model {
    /// How many references there are to each single page.
    pub out: BTreeMap<u16, u32>,
    /// The order of each block, by its first page.
    pub blocks: BTreeMap<u16, Order>,
    pub lent: Vec<u16>,
}

impl Model {
    /// What is wrong with a page that is named as one that is out.
    pub fn fault(&self, number: u16) -> Option<Fault> {
        match self.out.get(&number) {
            Some(_) => None,
            None if number >= PAGES => Some(Fault::OutOfRange),
            None if self.lent.contains(&number) => Some(Fault::Lent),
            None => match self.block_of(number) {
                Some(order) => Some(Fault::InBlock { order: order.get() }),
                None => Some(Fault::AlreadyFree),
            },
        }
    }

    /// The order of the block that a page is part of.
    fn block_of(&self, number: u16) -> Option<Order> {
        let (&first, &order) = self.blocks.range(..=number).next_back()?;
        (usize::from(number - first) < order.pages()).then_some(order)
    }

    /// What two bytes name: one of the blocks that are out, or a page and an order.
    pub fn named(&self, first: u8, order: Order) -> (u16, Order) {
        let at = usize::from(first) % self.blocks.len().max(1);
        match self.blocks.iter().nth(at) {
            Some((&first_of_it, &its_order)) if first >= 128 => (first_of_it, its_order),
            _ => (page(first), order),
        }
    }

    /// What is wrong with a block that is named as one that is out.
    pub fn fault_of_block(&self, first: u16, order: Order) -> Option<Fault> {
        match self.fault(first) {
            _ if !fits(first, order) => Some(Fault::NotABlock),
            _ if self.blocks.get(&first) == Some(&order) => None,
            Some(fault @ (Fault::InBlock { .. } | Fault::Lent)) => Some(fault),
            _ => Some(Fault::NotABlock),
        }
    }

    /// Why a page cannot be had at its place.
    fn reason(&self, number: u16) -> Option<PlaceReason> {
        match self.fault(number) {
            Some(Fault::AlreadyFree) => None,
            Some(Fault::OutOfRange) => Some(PlaceReason::OutOfRange),
            Some(Fault::Lent) => Some(PlaceReason::Lent),
            _ => Some(PlaceReason::Out),
        }
    }

    /// Why a block cannot be had at its place, and which page of it; or a page.
    pub fn missing_at(&self, first: u16, order: Option<Order>) -> Option<(PageId, PlaceReason)> {
        let order = order.unwrap_or(SINGLE);
        let of = |number: u16, reason| (PageId::new(number.into()), reason);
        if first < PAGES && !fits(first, order) {
            return Some(of(first, PlaceReason::NotABlock { order: order.get() }));
        }
        (0..order.pages() as u16)
            .map_while(|at| first.checked_add(at))
            .find_map(|number| self.reason(number).map(|reason| of(number, reason)))
    }

    /// A block has come.
    pub fn took_block(&mut self, first: PageId, order: Order) {
        let first = u16::try_from(first.index()).expect("a page of the pool");
        assert_eq!(self.missing_at(first, Some(order)), None, "{first}, {order:?}");
        self.blocks.insert(first, order);
    }

    /// A block becomes pieces.
    pub fn split(&mut self, first: u16, into: Option<Order>) {
        let order = self.blocks.remove(&first).expect("a block that is out");
        let pieces = first..first + order.pages() as u16;
        match into {
            Some(into) => {
                let heads = pieces.step_by(into.pages());
                self.blocks.extend(heads.map(|head| (head, into)));
            }
            None => self.out.extend(pieces.map(|number| (number, 1))),
        }
    }

    /// How many pages are out, those of blocks, too.
    pub fn pages_out(&self) -> usize {
        self.out.len() + self.blocks.values().map(|order| order.pages()).sum::<usize>()
    }

    /// How many pages are free.
    pub fn free(&self) -> usize {
        usize::from(PAGES) - self.pages_out() - self.lent.len()
    }

    /// How many blocks of this order there can be beside what is out.
    pub fn whole(&self, order: Order) -> usize {
        let firsts = (0..PAGES).step_by(order.pages());
        firsts.filter(|&first| self.missing_at(first, Some(order)).is_none()).count()
    }

    /// As `fault`, of a page that is freed by its sole owner.
    pub fn fault_of_sole(&self, number: u16) -> Option<Fault> {
        match self.out.get(&number) {
            Some(&references) if references > 1 => Some(Fault::Shared { references }),
            _ => self.fault(number),
        }
    }

    /// Gives up a reference; whether it was the last.
    pub fn release(&mut self, number: u16) -> bool {
        let count = self.out.get_mut(&number).expect("a page that is out");
        *count -= 1;
        let last = *count == 0;
        if last {
            self.out.remove(&number);
        }
        last
    }
}

/// Whether a block of this order can start here.
pub fn fits(first: u16, order: Order) -> bool {
    let first = usize::from(first);
    first.is_multiple_of(order.pages()) && first + order.pages() <= usize::from(PAGES)
}

/// What a call has to say of its pages, one after the other.
#[derive(Default)]
pub struct Verdict {
    pub good: usize,
    bad: usize,
    first: Option<(PageId, usize, Fault)>,
}

impl Verdict {
    /// Asks of each page what is wrong with it, or does what the call does.
    pub fn of(numbers: &[u16], mut each: impl FnMut(u16) -> Option<Fault>) -> Self {
        let mut verdict = Verdict::default();
        for (position, &number) in numbers.iter().enumerate() {
            match each(number) {
                None => verdict.good += 1,
                Some(fault) => {
                    verdict.bad += 1;
                    let bad = (PageId::new(number.into()), position, fault);
                    verdict.first.get_or_insert(bad);
                }
            }
        }
        verdict
    }

    /// Compares with what was said; `value` is what is returned if nothing is wrong. Whether something is.
    pub fn is<T: PartialEq + Debug>(self, said: Result<T, PageError>, value: T) -> bool {
        let Verdict { good, bad, first } = self;
        match said {
            Ok(done) => assert_eq!((done, first), (value, None)),
            Err(error) => {
                assert_eq!((error.done, error.count), (good, bad), "{error}");
                assert_eq!(Some((error.page, error.position, error.fault)), first, "{error}");
            }
        }
        bad > 0
    }
}
