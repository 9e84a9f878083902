//! Builds the image with Cargo.

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::process::Command;

/// What the image is built for, whatever else is configured.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// Its only flags: others, such as those for the host's own processor, have no place in it.
const FLAGS: &str = "-Crelocation-model=static";

/// Builds the image. Returns where it is.
pub fn build() -> Result<PathBuf, Box<dyn Error>> {
    let cargo = env::var_os("CARGO").unwrap_or("cargo".into());
    let exe = env::current_exe()?;
    let folder = exe.parent().ok_or("this program lies in a folder")?.join("image-target");
    let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--locked", "--release", "--bin", "image"]);
    command.args(["--manifest-path", manifest, "--target", TARGET, "--target-dir"]).arg(&folder);
    let status = command.env("CARGO_ENCODED_RUSTFLAGS", FLAGS).status()?;
    if !status.success() {
        return Err(format!("the image is not built: cargo says {status}").into());
    }
    Ok(folder.join(TARGET).join("release/image"))
}
