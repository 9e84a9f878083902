//! Documents whose examples are compiled and run as tests.

#[doc = include_str!("../README.md")]
struct Readme;

#[doc = include_str!("../docs/statics.md")]
struct Statics;

#[doc = include_str!("../docs/guide.md")]
struct Guide;

#[doc = include_str!("../docs/choosing.md")]
struct Choosing;

#[doc = include_str!("../docs/io_uring.md")]
struct IoUring;

#[doc = include_str!("../docs/kernels.md")]
struct Kernels;

#[doc = include_str!("../docs/locked_vec.md")]
struct LockedVec;

#[doc = include_str!("../docs/services.md")]
struct Services;

#[doc = include_str!("../docs/packets.md")]
struct Packets;

#[doc = include_str!("../tests/misuse/prevented.md")]
struct Prevented;
