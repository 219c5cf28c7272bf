//! Use cases: load, decide, commit once.
