//! How long a helper waits.

use super::*;

#[test]
fn a_helper_without_a_period_does_not_spin() {
    let second = Duration::from_secs(1);
    assert_eq!(
        [Duration::ZERO, LEAST / 2, LEAST, second].map(waits),
        [LEAST, LEAST, LEAST, second]
    );
}
