//! The program of one machine, from outside and within. One binary, so that it is linked once and its tests share the cores.

mod cli_docs;
mod conformance;
mod connect;
mod cost;
mod forecast;
mod kill;
mod live;
mod plan;
mod program;
mod recording;
mod replay;
mod run_demo;
mod scenarios;
mod xero;
