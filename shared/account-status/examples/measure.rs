//! Files to measure with, and one measured reading.
//!
//! `measure generate DIR [ACCOUNTS REGIONS]` writes a report, of 50,000 accounts in 34 Regions by default, in
//! four forms; `measure read CSV PARQUET` reads one as the parse function does and prints how long
//! it took and the most memory it had.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

use std::error::Error;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::time::Instant;

use account_status::{Subject, Summary, read_file};

/// Attributes, the usual value first.
const ATTRIBUTES: [(&str, &[&str]); 10] = [
    ("image_block_public_access", &["block-new-sharing", "unblocked"]),
    ("snapshot_block_public_access", &["block-all-sharing", "block-new-sharing", "unblocked"]),
    ("serial_console_access", &["false", "true"]),
    (
        "allowed_images_settings",
        &["disabled", r#"{"state":"enabled","imageCriterionSet":[{"imageProviderSet":["amazon"]}]}"#],
    ),
    ("http_tokens", &["required", "optional"]),
    ("http_put_response_hop_limit", &["2", "1", "3", "64"]),
    ("http_endpoint", &["enabled", "disabled"]),
    ("instance_metadata_tags", &["disabled", "enabled"]),
    ("internet_gateway_block_mode", &["off", "block-ingress", "block-bidirectional"]),
    ("exclusions_allowed", &["allowed", "not-allowed"]),
];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["generate", folder] => generate(Path::new(folder), 50_000, 34),
        ["generate", folder, accounts, regions] => {
            generate(Path::new(folder), accounts.parse()?, regions.parse()?)
        }
        ["read", csv, parquet] => read(Path::new(csv), Path::new(parquet)),
        _ => Err("measure generate DIR [ACCOUNTS REGIONS] | measure read CSV PARQUET".into()),
    }
}

fn generate(folder: &Path, accounts: u64, regions: u64) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let names: Vec<&str> = ATTRIBUTES.iter().map(|(name, _)| *name).collect();
    let create = |name: &str| File::create(folder.join(name)).map(BufWriter::new);
    let (mut wide, mut long, mut distinct) =
        (create("wide.csv")?, create("long.csv")?, create("distinct.csv")?);
    writeln!(wide, "account_id,account_name,region,{}", names.join(","))?;
    writeln!(distinct, "account_id,account_name,region,{},extra", names.join(","))?;
    writeln!(long, "account_id,account_name,region,attribute,value")?;
    let mut random = fastrand::Rng::with_seed(1);
    let mut row = String::new();
    for account in 0..accounts {
        // Ids in no order; some begin with a zero.
        let id = account.wrapping_mul(6_364_136_223_846_793_005) % 1_000_000_000_000;
        for region in 0..regions {
            row.clear();
            row.push_str(&format!(
                "{id:012},workload-{account},{}-{}",
                ["eu-west", "us-east", "ap-south", "sa-north"][region as usize / 9 % 4],
                region % 9 + 1
            ));
            let key_length = row.len();
            for (name, values) in ATTRIBUTES {
                let value =
                    if random.u32(0..25) == 0 { values[random.usize(0..values.len())] } else { values[0] };
                let cell = if value.contains('"') {
                    format!("\"{}\"", value.replace('"', "\"\""))
                } else {
                    value.to_owned()
                };
                writeln!(long, "{},{name},{cell}", &row[..key_length])?;
                row.push(',');
                row.push_str(&cell);
            }
            writeln!(wide, "{row}")?;
            // A JSON text that no two rows share.
            writeln!(distinct, "{row},\"{{\"\"id\"\":\"\"{:032x}\"\"}}\"", account * regions + region)?;
        }
    }
    for file in [&mut wide, &mut long, &mut distinct] {
        file.flush()?;
    }
    let mut rows: Vec<String> =
        BufReader::new(File::open(folder.join("wide.csv"))?).lines().collect::<Result<_, _>>()?;
    random.shuffle(&mut rows[1..]);
    let mut shuffled = create("shuffled.csv")?;
    for row in &rows {
        writeln!(shuffled, "{row}")?;
    }
    shuffled.flush()?;
    Ok(())
}

fn read(csv: &Path, parquet: &Path) -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let subject =
        Subject { object: csv.display().to_string(), run_id: "measured".to_owned(), observed_at: None };
    let evidence = read_file(csv, parquet, subject)?;
    let summary = Summary::new(&evidence, "measured", None, None, None);
    let seconds = begun.elapsed().as_secs_f64();
    let size = std::fs::metadata(parquet)?.len();
    println!(
        "{{\"seconds\": {seconds:.3}, \"peakMiB\": {:.1}, \"records\": {}, \"rows\": {}, \"bytes\": {size}}}",
        peak_mib(),
        summary.records,
        summary.rows,
    );
    Ok(())
}

/// The most memory this process has had, as Linux counts it; 0 elsewhere.
fn peak_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0");
    line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).unwrap_or(0.0) / 1_024.0
}
