-- What the newest published runs say in one table, and of which run it is. A run that has no row in
-- `runs` has not been published, and nothing of it is here.
SELECT
  said.*,
  newest.item AS run_item,
  newest.finished_at AS run_finished_at,
  newest.complete AS run_complete
FROM {table} said
JOIN latest_runs newest ON said.run_id = newest.run_id AND said.run_date = newest.run_date
