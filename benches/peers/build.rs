//! The versions of the rivals, and the shim over DPDK, whose calls are inline functions of its headers.

fn main() {
    println!("cargo:rerun-if-changed=src/dpdk.c");
    println!("cargo:rerun-if-changed=Cargo.lock");
    let lock = std::fs::read_to_string("Cargo.lock").expect("a lock file");
    let value = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = ")?;
        Some(value.trim_matches('"').to_owned())
    };
    let lines: Vec<_> = lock.lines().collect();
    let named = lines.windows(2).filter_map(|pair| {
        let (name, version) = (value(pair[0], "name")?, value(pair[1], "version")?);
        Some(format!("{name} {version}"))
    });
    println!("cargo:rustc-env=PEERS_LOCKED={}", named.collect::<Vec<_>>().join(";"));
    #[cfg(feature = "dpdk")]
    {
        let dpdk = pkg_config::Config::new().atleast_version("20.11").probe("libdpdk");
        let dpdk = dpdk.expect("DPDK's headers and libraries: libdpdk-dev");
        let mut shim = cc::Build::new();
        // As DPDK's own pkg-config file says: its headers use the instructions of the machine they were built for.
        shim.file("src/dpdk.c").includes(&dpdk.include_paths).flag("-march=native").opt_level(3);
        shim.flag("-Wno-deprecated-declarations").compile("peers_dpdk");
    }
}
