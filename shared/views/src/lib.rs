//! What people read: digests, mails and pages, with all escaping.
