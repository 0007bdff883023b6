-- Which services do the organization's policies leave open that nobody used, as far as that is known?
--
-- One row for each entity, policy and service that is not known to be used. Not used is said of AWS's
-- tracking period (tracking_period_at_least_days) and of the accounts in scope, to which the management
-- account does not belong. What is unknown is listed as unknown, with its reason, and is not unused.
-- While no access report has been published, one row says so.
SELECT
  CASE WHEN conclusion = 'not_used' THEN 'not used' ELSE 'unknown' END AS finding,
  entity_type, entity_id, entity_path, policy_id, service_namespace, accounts_in_scope,
  tracking_period_at_least_days, unknown_because, caveats, observed_at, run_complete
FROM latest_service_access
WHERE conclusion <> 'used'
UNION ALL
SELECT 'no access report', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
WHERE kind = 'organizations-access-report'
HAVING count(*) = 0
ORDER BY 1, 3, 5, 6
