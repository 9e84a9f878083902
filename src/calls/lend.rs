//! Pages of a batch go to a device.
//!
//! Invariant: a lent page has no owner; a batch gives up its pages one by one, each after its word has moved.

use core::iter;
use core::mem::MaybeUninit;

use super::Frontend;
use crate::error::Call;
use crate::inner::Faults;
use crate::mode::Mode;
use crate::owned::{LetGo, PageBatch};
use crate::page::{PageId, written_mut};

pub(crate) fn lend_bulk<'o, M: Mode, const N: usize>(
    mut front: impl Frontend<M>,
    batch: &mut PageBatch<M, N>,
    out: &'o mut [MaybeUninit<PageId>],
) -> &'o mut [PageId] {
    front.begin();
    let core = front.shared();
    let (mut faults, mut batch) = (Faults::default(), LetGo::of(batch, front.core()));
    batch.some(out.len(), |position, id| {
        core.lend(id).inspect_err(|&fault| faults.add(id, position, fault)).is_ok()
    });
    let lent = batch.len();
    out.iter_mut().zip(iter::from_fn(|| batch.take())).for_each(|(to, id)| _ = to.write(id));
    if batch.has_more() {
        batch.end(|_, _| true);
    }
    core.count_lent(lent);
    // The call has no error to return; the pool remembers. By a panic the ids would be lost.
    if lent > 0 {
        core.record_for_later(&faults, lent, Call::LendBulk);
    } else {
        let _ = core.record_or_panic(&faults, lent, Call::LendBulk);
    }
    // SAFETY: the first `lent` were written.
    unsafe { written_mut(&mut out[..lent]) }
}
