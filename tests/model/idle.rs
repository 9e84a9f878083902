//! What each operation does to the world: caches go idle, plain ones and stealable ones, and come back.

use super::op::Kind;
use super::shares::Shares;
use super::steps::pick;
use super::world::World;
use crate::common::*;

/// A parked cache, of either kind.
pub enum Parked<M: Mode> {
    Plain(ParkedCache<M>),
    Stealable(ParkedCache<M, true>),
}

impl<M: Mode> Parked<M> {
    pub fn number(&self) -> usize {
        match self {
            Parked::Plain(parked) => parked.number(),
            Parked::Stealable(parked) => parked.number(),
        }
    }
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    pub(super) fn idle(&mut self, kind: Kind, a: u8, b: u8) -> Option<()> {
        // Of two kinds of cache the one that there is, if the other was meant.
        let is_stealable =
            |odd: u8| self.caches.is_empty() || odd % 2 == 1 && !self.stealable.is_empty();
        match kind {
            Kind::ParkCache if is_stealable(b) => {
                let cache = pick(&mut self.stealable, a)?;
                self.parked.push(Parked::Stealable(cache.park()));
            }
            Kind::ParkCache => {
                let cache = pick(&mut self.caches, a)?;
                self.parked.push(Parked::Plain(cache.park()));
            }
            Kind::ResumeCache => match pick(&mut self.parked, a)? {
                Parked::Plain(parked) => self.caches.push(parked.resume()),
                Parked::Stealable(parked) => self.stealable.push(parked.resume()),
            },
            Kind::DropParked => drop(pick(&mut self.parked, a)?),
            Kind::Idle if is_stealable(a) => {
                let mut cache = pick(&mut self.stealable, a / 2)?;
                cache.idle(|| self.while_idle(a / 2, b));
                self.stealable.push(cache);
            }
            Kind::Idle => {
                let mut cache = pick(&mut self.caches, a / 2)?;
                cache.idle(|| self.while_idle(a / 2, b));
                self.caches.push(cache);
            }
            _ => return None,
        }
        Some(())
    }

    /// What others do while a cache is idle, which is not among this world's meanwhile.
    fn while_idle(&mut self, a: u8, b: u8) -> Option<()> {
        match a % 4 {
            0 => self.allocate(Kind::AllocBulk, a / 4, b),
            1 => self.allocate(Kind::AllocBlock, a / 4, b),
            2 => self.allocate(Kind::AllocBulkExact, a / 4, b),
            _ => self.look(Kind::StealIdle, a / 4, b),
        }
    }
}
