-- The newest published run of each kind and item: of two, the one whose evidence is younger.
SELECT runs.*
FROM runs
JOIN (
  SELECT max_by(run_id, coalesce(observed_at, finished_at)) AS run_id
  FROM runs
  GROUP BY kind, item
) newest ON runs.run_id = newest.run_id
