//! The whole of parstock on one machine: every function in one process, over the same use cases and the
//! same adapters as in AWS, with the embedded store, a queue in the data folder, and a simulated Xero.

pub mod ask;
pub mod clock;
pub mod commands;
pub mod console;
pub mod control;
pub mod demo;
pub mod doctor;
pub mod driver;
pub mod error;
pub mod files;
pub mod folder;
pub mod forecasts;
pub mod live;
pub mod notebook;
pub mod owner;
pub mod place;
pub mod plans;
pub mod ports;
pub mod queue;
pub mod recording;
pub mod replay;
pub mod scenario;
pub mod screen;
pub mod stack;
pub mod start;
pub mod stop;
pub mod tables;
pub mod tell;
pub mod trade;
pub mod voucher_file;
