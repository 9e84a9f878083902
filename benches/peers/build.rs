//! The shim over DPDK, whose calls are inline functions of its headers.

fn main() {
    println!("cargo:rerun-if-changed=src/dpdk.c");
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
