-- Which roles and users show no activity, have services that they do not use, or are not known well enough to say?
--
-- One row for each principal of the newest policy generation about which one of these is to be said. No
-- activity is said of the days since no_activity_since, services not used of AWS's tracking period. What is
-- unknown is listed as unknown, with the reason: a generation that failed, was left to the next run or was
-- not reached is no evidence that nothing is needed. While no policy generation has been published, one row
-- says so.
SELECT
  CASE
    WHEN status = 'no_activity' THEN 'no activity'
    WHEN status NOT IN ('generated', 'valid_policy_exists') THEN 'unknown'
    WHEN unused_services IS NULL THEN 'access not read'
    ELSE 'services not used'
  END AS finding,
  account_id, principal_arn, status, unknown_because, error, error_text AS cause, last_activity_at,
  no_activity_since, granted_services, unused_services, window_days, window_regions, valid_policy_run_id,
  documents, caveats, observed_at, run_complete
FROM latest_generated_policies
WHERE status NOT IN ('generated', 'valid_policy_exists') OR unused_services IS NULL OR unused_services > 0
UNION ALL
SELECT 'no policy generation', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
WHERE kind = 'policy-generation'
HAVING count(*) = 0
ORDER BY 1, 2, 3
