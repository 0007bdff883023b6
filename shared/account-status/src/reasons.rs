//! Every reason for which something is unknown, as it stands in the table and in the coverage.
//!
//! They are part of what is published: whoever reads the evidence looks for these texts, and the
//! documentation lists them all.

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        $($(#[$doc])* pub const $name: &str = $text;)*

        /// All of them, in the order of the documentation.
        pub const ALL: &[&str] = &[$($name),*];
    };
}

reasons! {
    ACCOUNT_WITHOUT_ROWS = "account without rows";
    ACCOUNT_WITHOUT_A_READABLE_CELL = "account without a readable cell";
    ACCOUNT_AWS_COULD_NOT_READ = "account that AWS could not read";
    ACCOUNT_NOT_LISTED = "account that Organizations does not list";
    ACCOUNT_WITHOUT_A_ROW_IN_A_REGION = "account without a row in a Region";
    ATTRIBUTE_WITHOUT_A_ROW = "attribute without a row";
    ROW_OF_ANOTHER_LENGTH = "row with another number of cells than the header";
    ROW_WITHOUT_AN_ACCOUNT_ID = "row without an account id";
    ROW_WITHOUT_A_REGION = "row without a Region";
    ROW_WITHOUT_AN_ATTRIBUTE = "row without an attribute";
    LAST_ROW_WITHOUT_A_LINE_END = "last row without a line end";
    BLANK_CELL = "blank cell";
    ERROR_TEXT = "error text";
    NOT_UTF8 = "not UTF-8";
    NUL_CHARACTER = "NUL character";
    CONTRADICTING_ROWS = "contradicting rows";
    POSSIBLY_CUT_OFF = "possibly cut off";
    VALUE_BEYOND_THOSE_TOLD_APART = "value beyond those told apart";
    MOST_FREQUENT_NOT_CERTAIN = "most frequent value not certain";
    AWS_SUMMARY_DISAGREES = "AWS's summary disagrees";
    AWS_SUMMARY_NOT_COMPARED = "AWS's summary cannot be compared";
}
