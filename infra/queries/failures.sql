-- What did not succeed in the newest runs, and why: items that could not be read, and requests for accounts?
--
-- Items that were skipped had nothing to be read. A run that failed as a whole publishes nothing, and is
-- not here: its execution says why. A request's state that is neither of those AWS documents is listed.
-- While nothing has been published, one row says so.
SELECT
  'item' AS what, kind, lane, item AS name, status, error, cause, "at", run_complete
FROM latest_item_outcomes
WHERE status NOT IN ('succeeded', 'skipped')
UNION ALL
SELECT
  'account request', 'organization-inventory', 'account-requests', account_name, state, failure_reason,
  NULL, coalesce(completed_at, requested_at), run_complete
FROM latest_account_requests
WHERE run_item = 'organization' AND state NOT IN ('SUCCEEDED', 'IN_PROGRESS')
UNION ALL
SELECT 'nothing published', NULL, NULL, NULL, NULL, NULL, NULL, NULL, false
FROM latest_runs
HAVING count(*) = 0
ORDER BY 1, 2, 3, 4
