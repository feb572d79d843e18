//! The report for machines.
