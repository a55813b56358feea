{{ polled_or_pushed(
    ref('stg_jira_issues__issues'), pushed_issues(of_affected_issues()), ['site_id', 'issue_id', 'version'], of_affected_issues()
) }}
