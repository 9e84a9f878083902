//! Links the image with nothing but what it has itself, where the script says.

use std::env;

fn main() {
    let here = env::var("CARGO_MANIFEST_DIR").expect("Cargo says where the package is");
    let script = format!("-Wl,-T,{here}/image.ld");
    for arg in ["-nostartfiles", "-nostdlib", "-static", "-no-pie", &script] {
        println!("cargo::rustc-link-arg-bin=image={arg}");
    }
    for file in ["build.rs", "image.ld"] {
        println!("cargo::rerun-if-changed={file}");
    }
}
