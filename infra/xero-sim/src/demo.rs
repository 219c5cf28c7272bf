//! The seeded demo company.
