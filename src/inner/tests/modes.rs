//! Tests of several modes.

/// Stamps bodies over modes.
macro_rules! in_modes {
    ($($body:ident: $($mode:ident),+;)+) => {
        mod in_modes {
            $(#[test]
            fn $body() {
                $(super::$body::<$crate::mode::$mode>();)+
            })+
        }
    };
}
pub(crate) use in_modes;
