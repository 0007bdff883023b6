//! The inventory of the organization, whole: lanes, records, tables.

mod faults;
mod scale;
mod tables;

use std::collections::BTreeMap;
use std::sync::Arc;

use local_stack::LocalStack;
use local_states::{Execution, ExecutionStatus};
use muster_tests::{Scenario, on_virtual_time, stack};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::{Value, json};

/// A row of a table, by column.
pub(crate) type Row = BTreeMap<String, Value>;

/// An inventory that was run to its end.
struct Inventory {
    stack: LocalStack,
    execution: Arc<Execution>,
}

/// Runs an inventory on a stack that may have been changed before.
fn inventory(scenario: &Scenario, request: Value, change: impl FnOnce(&LocalStack)) -> Inventory {
    fastrand::seed(scenario.seed);
    on_virtual_time(async {
        let stack = stack(scenario);
        change(&stack);
        let execution = stack.start_inventory(request).unwrap();
        execution.finished().await;
        Inventory { stack, execution }
    })
}

impl Inventory {
    fn result(&self) -> Value {
        assert_eq!(self.execution.status(), ExecutionStatus::Succeeded, "{:?}", self.execution.error());
        self.execution.output().unwrap()["result"].clone()
    }

    fn rows(&self, table: &str) -> Vec<Row> {
        rows(&self.stack, table)
    }
}

/// Everything that is published in a table.
pub(crate) fn rows(stack: &LocalStack, table: &str) -> Vec<Row> {
    let storage = stack.aws.storage();
    let mut rows = Vec::new();
    for key in storage.keys(stack.bucket(), &format!("tables/{table}/")) {
        let bytes = storage.read(stack.bucket(), &key).unwrap();
        let reader = SerializedFileReader::new(bytes).unwrap();
        for row in reader.get_row_iter(None).unwrap() {
            rows.push(
                row.unwrap().into_columns().into_iter().map(|(name, field)| (name, value(field))).collect(),
            );
        }
    }
    rows
}

fn value(field: Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Str(text) => json!(text),
        Field::Long(number) | Field::TimestampMillis(number) => json!(number),
        Field::Bool(value) => json!(value),
        other => panic!("{other:?}"),
    }
}
