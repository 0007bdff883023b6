//! SHA-256, in lower-case hexadecimal digits.

use serde::Serialize;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// Of bytes.
pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    hexadecimal(Sha256::digest(bytes))
}

/// Of a document as JSON with sorted keys and without white space.
pub fn sha256_of_document<T: Serialize>(document: &T) -> Result<String, serde_json::Error> {
    // A `Value`'s objects are sorted by key.
    serde_json::to_value(document).map(|document| sha256(document.to_string()))
}

/// Of JSON as what it means: white space and the order of members make no difference. Of other text, as it
/// is.
pub fn sha256_of_json(text: &str) -> String {
    match serde_json::from_str::<Value>(text) {
        Ok(document) => sha256(document.to_string()),
        Err(_) => sha256(text),
    }
}

/// A digest that was made piece by piece.
pub fn hexadecimal(digest: impl AsRef<[u8]>) -> String {
    digest.as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_digest_is_the_one_that_everybody_computes() {
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn json_counts_as_what_it_means() {
        let document = json!({"y": [1, 2], "x": 1});
        assert_eq!(sha256_of_json("{\"y\": [1, 2],\n \"x\": 1}"), sha256_of_document(&document).unwrap());
        assert_ne!(sha256_of_json("{\"x\": 1, \"y\": [2, 1]}"), sha256_of_document(&document).unwrap());
        assert_ne!(sha256_of_json("{"), sha256_of_json("{ "));
    }
}
