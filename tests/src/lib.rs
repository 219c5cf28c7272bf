//! The whole system under a seeded scheduler, and its stories.
