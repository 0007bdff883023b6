//! An inventory that meets something.
