//! The program as a person meets it: what it prints and how it ends.

mod bad_input;
mod campaigns;
mod explain;
mod exports;
mod html;
mod own_topology;
mod pages;
mod panics;
mod program;
mod readme;
mod replay;
mod shrinking;
mod sweeps;
mod traces;
