//! Settings as files: checked with every error and its line, compared, written.
