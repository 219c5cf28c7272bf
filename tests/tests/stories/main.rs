//! Stories of whole use cases over the fake ports, and the seeded simulation. One program: what they share is
//! compiled once.

mod adjustments;
mod alerts;
mod audit;
mod closings;
mod cogs;
mod cursors;
mod first_load;
mod freight;
mod landed;
mod masters;
mod outages;
mod prices;
mod proof;
mod receiving;
mod revalued;
mod sign_in;
mod simulation;
mod size;
mod stock;
mod units;
