//! The models, a module for each mechanism, from the ground up.

mod blocks;
mod closing;
mod common;
mod compact;
mod counters;
mod depot;
mod depots;
mod drain;
mod foreign;
mod idle;
mod marks;
mod names;
mod nodes;
mod ownership;
mod page;
mod poison;
mod pressure;
mod reasons;
mod resize;
mod slot;
mod statics;
mod stealing;
mod taints;
mod upkeep;
mod waiting;
mod zone;
