//! `cargo xtask numa`: a machine with two memory nodes, whose first process tries pools that are bound to them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::run::{answers, cargo, executable, target};

/// Which kernel the machine has.
#[derive(clap::Args, Default)]
pub struct Args {
    /// The kernel; if none is named, the newest of /boot, or Debian's for clouds, which apt-get is asked for.
    #[arg(long, value_name = "FILE", value_parser = crate::run::path)]
    kernel: Option<PathBuf>,
}

const QEMU: &str = "qemu-system-x86_64";

/// Boots the machine; an error if its process does not say that all is well.
pub fn numa(args: &Args) -> Result<()> {
    match boot(args)? {
        Some(why) => println!("skipped: {why}"),
        None => println!("pools have their pages on the node that they are bound to"),
    }
    Ok(())
}

/// Boots it, or says why that cannot be.
fn boot(args: &Args) -> Result<Option<String>> {
    if !cfg!(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")) {
        return Ok(Some("the machine is built on x86-64 Linux".into()));
    }
    if !answers(QEMU, &["--version"]) {
        return Ok(Some(format!("{QEMU} is not installed")));
    }
    let folder = target("numa");
    std::fs::create_dir_all(&folder)?;
    let Some(kernel) = args.kernel.clone().or_else(installed).or_else(|| downloaded(&folder))
    else {
        return Ok(Some("there is no kernel: name one by --kernel".into()));
    };
    let image = folder.join("initramfs");
    std::fs::write(&image, archive(&std::fs::read(program()?)?))?;
    let said = Command::new("timeout")
        .args(["120", QEMU, "-accel", "tcg", "-m", "512", "-smp", "2", "-nographic", "-no-reboot"])
        .args(["-object", "memory-backend-ram,id=m0,size=256M"])
        .args(["-object", "memory-backend-ram,id=m1,size=256M"])
        .args([
            "-numa",
            "node,nodeid=0,cpus=0,memdev=m0",
            "-numa",
            "node,nodeid=1,cpus=1,memdev=m1",
        ])
        .args(["-append", "console=ttyS0 quiet panic=-1", "-kernel"])
        .arg(&kernel)
        .arg("-initrd")
        .arg(&image)
        .stdin(Stdio::null())
        .output()
        .context("timeout did not start")?;
    let said = String::from_utf8_lossy(&said.stdout);
    ensure!(said.contains("numa: passed"), "{} said:\n{said}", kernel.display());
    Ok(None)
}

/// The first process, which needs no library.
fn program() -> Result<PathBuf> {
    let mut cargo = cargo(["build", "--quiet", "--release", "--package", "numa"]);
    cargo
        .args(["--message-format", "json-render-diagnostics"])
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .env("RUSTFLAGS", "-Ctarget-feature=+crt-static")
        .env("CARGO_TARGET_DIR", target("numa"));
    executable(&mut cargo)
}

/// The newest kernel of this system.
fn installed() -> Option<PathBuf> {
    let files = std::fs::read_dir("/boot").ok()?.flatten().map(|entry| entry.path());
    let kernel = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        name.starts_with("vmlinuz") && std::fs::File::open(path).is_ok()
    };
    files.filter(kernel).max()
}

/// Debian's kernel for clouds, in the folder of what is built.
fn downloaded(folder: &Path) -> Option<PathBuf> {
    let find = || {
        let files = std::fs::read_dir(folder.join("kernel/boot")).ok()?.flatten();
        files.map(|entry| entry.path()).find(|path| path.to_string_lossy().contains("vmlinuz"))
    };
    let script = "set -e; package=$(apt-cache depends linux-image-cloud-amd64 | \
                  sed -n 's/.*Depends: \\(linux-image.*\\)/\\1/p' | head -1); \
                  apt-get download -qq \"$package\"; dpkg-deb -x \"$package\"*.deb kernel; rm -f *.deb";
    find().or_else(|| {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::null());
        shell.status().ok().filter(std::process::ExitStatus::success)?;
        find()
    })
}

/// What the kernel unpacks before it starts the first process: an archive as of `cpio -H newc`.
fn archive(program: &[u8]) -> Vec<u8> {
    const FOLDER: u32 = 0o040_755;
    const PROGRAM: u32 = 0o100_755;
    const DEVICE: u32 = 0o020_600;
    let mut all = Vec::new();
    let mut add = |name: &str, mode: u32, device: [u32; 2], bytes: &[u8]| {
        let [major, minor] = device;
        let (size, length) = (bytes.len() as u32, name.len() as u32 + 1);
        // In turn: number, mode, user, group, links, time, size, device, of a device, name, sum.
        let fields = [0, mode, 0, 0, 1, 0, size, 0, 0, major, minor, length, 0];
        all.extend_from_slice(b"070701");
        fields.iter().for_each(|field| all.extend_from_slice(format!("{field:08x}").as_bytes()));
        all.extend_from_slice(name.as_bytes());
        all.push(0);
        all.resize(all.len().next_multiple_of(4), 0);
        all.extend_from_slice(bytes);
        all.resize(all.len().next_multiple_of(4), 0);
    };
    add("dev", FOLDER, [0, 0], &[]);
    add("dev/console", DEVICE, [5, 1], &[]);
    add("sys", FOLDER, [0, 0], &[]);
    add("init", PROGRAM, [0, 0], program);
    add("TRAILER!!!", 0, [0, 0], &[]);
    all
}
