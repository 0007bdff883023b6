-- The tables and views of the catalog, for DuckDB: of the folder that `cargo muster run` writes, or of
-- what the variable `tables` names, such as s3://BUCKET/tables. Made with the template's catalog
-- (tests/repository/tables.rs).
--
-- A table that nothing has been published in has no files: its view is refused, and so is what needs it.
SET VARIABLE tables = coalesce(getvariable('tables'), 'muster-out/*/tables');
-- As Athena shows them.
SET TimeZone = 'UTC';

CREATE OR REPLACE VIEW runs AS SELECT * FROM read_parquet(
  getvariable('tables') || '/runs/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW item_outcomes AS SELECT * FROM read_parquet(
  getvariable('tables') || '/item_outcomes/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW account_status AS SELECT * FROM read_parquet(
  getvariable('tables') || '/account_status/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW accounts AS SELECT * FROM read_parquet(
  getvariable('tables') || '/accounts/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW account_requests AS SELECT * FROM read_parquet(
  getvariable('tables') || '/account_requests/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW organization_units AS SELECT * FROM read_parquet(
  getvariable('tables') || '/organization_units/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW roots AS SELECT * FROM read_parquet(
  getvariable('tables') || '/roots/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW policy_types AS SELECT * FROM read_parquet(
  getvariable('tables') || '/policy_types/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW policies AS SELECT * FROM read_parquet(
  getvariable('tables') || '/policies/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW policy_attachments AS SELECT * FROM read_parquet(
  getvariable('tables') || '/policy_attachments/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW effective_policies AS SELECT * FROM read_parquet(
  getvariable('tables') || '/effective_policies/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);
CREATE OR REPLACE VIEW effective_policy_errors AS SELECT * FROM read_parquet(
  getvariable('tables') || '/effective_policy_errors/*/*.parquet',
  hive_partitioning = true, hive_types = {'run_date': VARCHAR}, union_by_name = true);

CREATE OR REPLACE VIEW latest_runs AS
SELECT runs.* FROM runs JOIN ( SELECT max_by(run_id, coalesce(observed_at, finished_at)) AS run_id FROM runs GROUP BY kind, item ) newest ON runs.run_id = newest.run_id;

CREATE OR REPLACE VIEW latest_item_outcomes AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM item_outcomes said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_account_status AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM account_status said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_accounts AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM accounts said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_account_requests AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM account_requests said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_organization_units AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM organization_units said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_roots AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM roots said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policy_types AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policy_types said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policies AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policies said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_policy_attachments AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM policy_attachments said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_effective_policies AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM effective_policies said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;

CREATE OR REPLACE VIEW latest_effective_policy_errors AS
SELECT said.*, newest.item AS run_item, newest.finished_at AS run_finished_at, newest.complete AS run_complete FROM effective_policy_errors said JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date;
