//! How an account and Region is set up, computed from the organization's seed.
//!
//! The values are those of the EC2 read APIs. The names of the attributes are Muster's own: AWS
//! publishes no header of its report.

/// One attribute of the simulated report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute {
    pub name: &'static str,
    /// The usual value first.
    pub values: &'static [&'static str],
    /// One account in so many has another value than the usual; 0 is none.
    pub deviates_one_in: u64,
    /// Whether a deviating account deviates in single Regions rather than in all.
    pub regional: bool,
}

/// The attributes of the simulated report.
pub const ATTRIBUTES: [Attribute; 10] = [
    Attribute {
        name: "image_block_public_access",
        values: &["block-new-sharing", "unblocked"],
        deviates_one_in: 40,
        regional: false,
    },
    Attribute {
        name: "snapshot_block_public_access",
        values: &["block-all-sharing", "block-new-sharing", "unblocked"],
        deviates_one_in: 25,
        regional: true,
    },
    Attribute {
        name: "serial_console_access",
        values: &["false", "true"],
        deviates_one_in: 0,
        regional: false,
    },
    Attribute {
        name: "allowed_images_settings",
        values: &[
            "disabled",
            r#"{"state":"audit-mode","imageCriterionSet":[{"imageProviderSet":["amazon","123456789012"]}]}"#,
            r#"{"state":"enabled","imageCriterionSet":[{"imageProviderSet":["amazon"]}]}"#,
        ],
        deviates_one_in: 60,
        regional: true,
    },
    Attribute { name: "http_tokens", values: &["required", "optional"], deviates_one_in: 15, regional: true },
    Attribute {
        name: "http_put_response_hop_limit",
        values: &["2", "1", "3", "64"],
        deviates_one_in: 30,
        regional: true,
    },
    Attribute {
        name: "http_endpoint",
        values: &["enabled", "disabled"],
        deviates_one_in: 0,
        regional: false,
    },
    Attribute {
        name: "instance_metadata_tags",
        values: &["disabled", "enabled"],
        deviates_one_in: 80,
        regional: false,
    },
    Attribute {
        name: "internet_gateway_block_mode",
        values: &["off", "block-ingress", "block-bidirectional"],
        deviates_one_in: 100,
        regional: true,
    },
    Attribute {
        name: "exclusions_allowed",
        values: &["allowed", "not-allowed"],
        deviates_one_in: 100,
        regional: false,
    },
];

/// The value of `attribute` in the account and Region of these numbers.
pub fn setting(seed: u64, account: usize, region: usize, attribute: &Attribute) -> &'static str {
    let usual = attribute.values.first().copied().unwrap_or_default();
    if attribute.deviates_one_in == 0 {
        return usual;
    }
    let salt = mix_text(seed, attribute.name);
    let of_account = mix(salt ^ mix(account as u64));
    if !of_account.is_multiple_of(attribute.deviates_one_in) {
        return usual;
    }
    let of_place =
        if attribute.regional { mix(of_account ^ mix(region as u64 + 1)) } else { mix(of_account) };
    // A deviating account with regional settings deviates in about a third of its Regions.
    if attribute.regional && !of_place.is_multiple_of(3) {
        return usual;
    }
    let others = attribute.values.len() as u64 - 1;
    usize::try_from(mix(of_place) % others)
        .ok()
        .and_then(|index| attribute.values.get(index + 1))
        .copied()
        .unwrap_or(usual)
}

/// SplitMix64's finaliser: neighbouring numbers give unrelated ones.
pub(crate) fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// The same of a text, byte by byte, beginning with a number.
pub(crate) fn mix_text(seed: u64, text: &str) -> u64 {
    text.bytes().fold(seed, |hash, byte| mix(hash ^ u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn most_accounts_are_usual_some_deviate_and_two_attributes_are_uniform() {
        for attribute in &ATTRIBUTES {
            let deviating = (0..2_000)
                .filter(|&account| {
                    (0..17).any(|region| setting(1, account, region, attribute) != attribute.values[0])
                })
                .count();
            match attribute.deviates_one_in {
                0 => assert_eq!(deviating, 0, "{}", attribute.name),
                one_in => {
                    let expected = 2_000 / usize::try_from(one_in).unwrap();
                    assert!(
                        (expected / 2..expected * 2).contains(&deviating),
                        "{}: {deviating}",
                        attribute.name
                    );
                }
            }
        }
    }
}
