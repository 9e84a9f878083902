//! What a [`BuildError`] says: what is wrong, and behind a colon what to do.

use core::fmt;

use super::BuildError;
use crate::error::Count;
use crate::error::system::{self, Size};

/// What to do about an option that the mode does not have.
const CHOOSE: &str = "choose one, such as Hardened, or leave it out";

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            BuildError::NoPages => f.write_str("a pool needs at least one page: ask for 1 or more"),
            BuildError::TooManyPages { pages, most: u32::MAX } => {
                write!(f, "{pages} pages are more than 2^32 - 1: ")?;
                f.write_str("choose a larger page size, or build several pools")
            }
            BuildError::TooManyPages { pages, most } => {
                write!(f, "{pages} pages are more than {most}, for which id_bits has numbers: ")?;
                f.write_str("ask for fewer, or raise id_bits")
            }
            BuildError::Initially { pages, capacity } => {
                let capacity = Count(capacity as u64, "page");
                write!(f, "initially({pages}) is more than the pool can have, {capacity}: ")?;
                f.write_str("tell Pool::builder the most that it will ever have")
            }
            BuildError::PageSize { bytes } => {
                let size = Count(bytes as u64, "byte");
                write!(f, "a page size of {size} is no positive multiple of 64")?;
                match bytes.max(1).checked_next_multiple_of(64) {
                    Some(next) => write!(f, ": use {next}, the next"),
                    None => f.write_str(": use a smaller one"),
                }
            }
            BuildError::Overflow => f.write_str(
                "the pages do not fit an address space: ask for fewer, or for smaller ones",
            ),
            BuildError::MagazineCapacity { ids } => {
                write!(f, "a magazine of {ids} ids is not in 1..=256: ")?;
                f.write_str("choose a magazine_capacity that is")
            }
            BuildError::Depots { depots, most } => {
                let depots = Count(depots as u64, "depot");
                write!(f, "{depots} cannot be: choose a power of two, 1 to {most}")
            }
            BuildError::Fences { fences, most } => {
                let fences = Count(fences as u64, "fence");
                write!(f, "{fences} cannot be: give the pool {most} at the most")
            }
            BuildError::MaxCaches { slots } => {
                f.write_str("max_caches and shared caches together are ")?;
                let more_or_less = if slots == 0 { "one at least" } else { "fewer" };
                write!(f, "{slots}, and must be 1 to 16384: ask for {more_or_less}")
            }
            BuildError::CacheColor { lines: 0, .. } => f.write_str(
                "cache_color(0) is not a choice: use 1, the least, which staggers nothing",
            ),
            BuildError::CacheColor { lines, most } => {
                let (bytes, most) = (64 * most, Count(most as u64, "cache line"));
                let range = if most.0 == 1 { "" } else { "1 to " };
                write!(f, "pages of {bytes} bytes have room for {range}{most} of color, ")?;
                write!(f, "not for {lines}: ask for fewer")
            }
            BuildError::PastTheTop { base, bytes } => {
                write!(
                    f,
                    "{bytes} bytes from {base:#x} on go past the top of the address space: "
                )?;
                f.write_str("give a lower base, or ask for fewer pages")
            }
            BuildError::PoisonEvery { pages: 0, .. } => {
                f.write_str("poison_every(0) poisons one page in none: use 1 for every page")
            }
            BuildError::PoisonEvery { mode, .. } => {
                write!(f, "poison_every needs a mode that poisons: {CHOOSE} [{mode}]")
            }
            BuildError::PoisonLazily { mode } => {
                write!(f, "poison_lazily needs a mode that poisons: {CHOOSE} [{mode}]")
            }
            BuildError::Purge { with } => {
                write!(f, "a region with {with} cannot be purged: leave one of the two out")
            }
            BuildError::Watermarks { low, reserve, .. } if low < reserve => {
                write!(
                    f,
                    "low({low}) is below critical_reserve({reserve}): raise it, or leave it out"
                )
            }
            BuildError::Watermarks { low, capacity, .. } => {
                let pages = Count(capacity as u64, "page");
                write!(f, "a pool of {pages} has none above a mark of {low}: ")?;
                f.write_str("lower the mark, or ask for more pages")
            }
            BuildError::QuarantineLength { mode } => {
                write!(f, "quarantine_length needs a mode that quarantines: {CHOOSE} [{mode}]")
            }
            BuildError::RegionTooSmall { need, have } => {
                let (have, less) =
                    (Count(have as u64, "byte"), Count(need.saturating_sub(have) as u64, "byte"));
                write!(f, "the region has {have}, the pages need {need}: ")?;
                write!(f, "give it {less} more, or ask for fewer pages")
            }
            BuildError::RegionMisaligned { align } => {
                write!(f, "the region does not start at a multiple of {align} bytes: ")?;
                f.write_str("give memory that does")
            }
            BuildError::BaseMismatch => {
                f.write_str("the base is not the region's: give build_in the address that ")?;
                f.write_str("Region::addresses has, or leave Builder::region out")
            }
            BuildError::RegionTwice => {
                f.write_str("the pages lie in the range itself: leave Builder::region out")
            }
            BuildError::RangeOutside { start, end } => {
                write!(f, "the range {start:#x}..{end:#x} is not inside the pages: ")?;
                f.write_str("cut it to the pool's addresses, or build the pool with more pages")
            }
            BuildError::RangesOverlap { address } => {
                write!(f, "the page at {address:#x} lies in two of the ranges: name it once")
            }
            BuildError::CachesUnnamed => {
                f.write_str("the metadata depends on max_caches and shared_caches: name both, ")?;
                f.write_str("for no compiler knows the processors")
            }
            BuildError::MetadataTooSmall { need, have } => {
                let (have, less) =
                    (Count(have as u64, "byte"), Count(need.saturating_sub(have) as u64, "byte"));
                write!(f, "the metadata memory has {have}, {need} are needed: ")?;
                write!(f, "give it {less} more, as Builder::metadata_layout says")
            }
            BuildError::MetadataMisaligned { align } => {
                write!(f, "the metadata memory is not aligned to {align} bytes: ")?;
                f.write_str("align it as Builder::metadata_layout says")
            }
            BuildError::NoMemory { what, bytes, limit, code } => {
                let bytes = Count(bytes as u64, "byte");
                write!(f, "the system refused {bytes} of {what} (error {code}): {limit}")
            }
            BuildError::Lock { bytes, limit, locked, code } => {
                system::lock(f, bytes, limit, locked, code)
            }
            BuildError::HugePages { pages, size, free, code } => {
                system::huge_pages(f, pages, size, free, code)
            }
            BuildError::NoSuchHugePages { bytes, sizes, .. } => {
                system::no_such_huge_pages(f, bytes, sizes)
            }
            BuildError::HugePageSize { bytes, system } => {
                let system = Size(system);
                write!(f, "huge_page_size({bytes}) is not a power of two above {system}, ")?;
                f.write_str("a page of the system: use one that is, such as 2097152 (2 MiB)")
            }
            BuildError::HugePagesOff { bytes } => {
                write!(f, "huge_page_size({bytes}) without huge pages: ")?;
                f.write_str("choose HugePages::Try or HugePages::Require, too")
            }
            BuildError::Node { node, online, code } => system::no_node(f, node, online, code),
            BuildError::System { what, code } => {
                write!(
                    f,
                    "the system refused {what} (error {code}): look for what forbids it to "
                )?;
                f.write_str("this process (a sandbox, a policy), or give memory of your own to ")?;
                f.write_str("Builder::build_in")
            }
            BuildError::Unsupported { what } => {
                write!(f, "{what} is not available in this build: ")?;
                f.write_str("use another region, or give memory of your own to Builder::build_in")
            }
        }
    }
}
