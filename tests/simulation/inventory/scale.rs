//! An inventory of a large organization.
