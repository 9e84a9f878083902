//! What `cargo xtask instructions` counts.

fn main() -> anyhow::Result<()> {
    matrix::count(&matrix::entries::<true>())
}
