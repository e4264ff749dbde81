//! The tests of the function in one program: each program of tests costs its own compilation and link.

mod drain;
mod drains;
mod fleet;
mod gate;
mod hints;
mod notifications;
mod pace;
mod payloads;
mod reported_inputs;
mod responses;
mod sweeps;
mod troubles;
