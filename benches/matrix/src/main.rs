//! `cargo xtask matrix`: the matrix without rivals.

fn main() -> anyhow::Result<()> {
    matrix::main("cargo xtask matrix", matrix::entries::<false>(), Vec::new())
}
