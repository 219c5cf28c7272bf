//! Stock, orders and forecasts as pure values and decisions.
//!
//! No I/O, no clock, no chance, no AWS, no JSON of others: whatever a decision needs comes in as an
//! argument, so the same input gives the same bytes everywhere.
//!
//! Reading order: [`ids`], [`fixed`] (money and quantity), [`document`] (what Xero's papers mean to us), [`units`] (what they count by),
//! [`costing`] (cost layers by FIFO, average and LIFO), [`ledger`] (movements, positions, arrivals), [`cogs`] (journals of
//! what was sold), [`goods_receipt`] (what came in of an order), [`landed`] (freight and duty on top of what came in), [`demand`] and [`replenish`] (what to order and why), [`prices`] (item prices that costs have left), [`adjustment`] (stock written off or found), [`settings`], [`governance`] (proposals and approvals), [`alert`],
//! [`event`], [`audit`].
#![warn(clippy::disallowed_methods, clippy::disallowed_types)]
// Tests count in small numbers, and an overflow there fails the test.
#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects))]

pub mod adjustment;
pub mod alert;
pub mod audit;
pub mod calendar;
pub mod cogs;
pub mod costing;
pub mod demand;
pub mod document;
pub mod event;
pub mod fixed;
pub mod goods_receipt;
pub mod governance;
pub mod ids;
pub mod landed;
pub mod ledger;
pub mod manual_journal;
pub mod prices;
pub mod replenish;
pub mod settings;
pub mod units;
