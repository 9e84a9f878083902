//! `cargo xtask matrix`: the matrix without rivals. With the argument `count` alone it is what `cargo xtask instructions`
//! counts: in the same program, because each takes minutes to build.

fn main() -> anyhow::Result<()> {
    if std::env::args().skip(1).eq(["count"]) {
        return matrix::count();
    }
    matrix::main("cargo xtask matrix", Vec::new(), Vec::new())
}
