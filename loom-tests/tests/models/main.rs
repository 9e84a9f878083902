//! The models, a module for each mechanism, from the ground up.

mod depot;
mod page;
mod slot;
mod zone;
