//! What a run costs, at list prices of `us-east-1` without free tiers or discounts.
//!
//! Sources: the pricing pages of AWS Step Functions (standard workflows) and AWS Lambda (arm64), as of
//! November 2026. They are for an estimate before a run, and prices of other Regions are higher.

/// For a state transition.
const TRANSITION: f64 = 0.025 / 1_000.0;
/// For an invocation.
const INVOCATION: f64 = 0.20 / 1_000_000.0;
/// For a second of a function with 1 GB.
const GB_SECOND: f64 = 0.000_013_333_4;

/// US dollars for so many transitions and invocations, and for so many seconds of functions of so many
/// MiB.
pub fn usd(transitions: u64, invocations: u64, seconds: f64, memory_mib: u32) -> f64 {
    let count = |number: u64| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    count(transitions) * TRANSITION
        + count(invocations) * INVOCATION
        + seconds * f64::from(memory_mib) / 1_024.0 * GB_SECOND
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_transitions_cost_a_fortieth_of_a_dollar_and_a_gb_hour_about_a_twentieth() {
        assert!((usd(1_000, 0, 0.0, 128) - 0.025).abs() < 1e-9);
        assert!((usd(0, 0, 3_600.0, 1_024) - 0.048).abs() < 1e-3);
        assert!((usd(0, 1_000_000, 0.0, 128) - 0.20).abs() < 1e-9);
    }
}
