{{ polled_or_pushed(
    ref('stg_jira_issues__worklogs'), pushed_worklogs(of_affected_issues()), ['site_id', 'worklog_id', 'version'], of_affected_issues()
) }}
