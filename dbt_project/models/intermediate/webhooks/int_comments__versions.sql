{{ polled_or_pushed(
    ref('stg_jira_issues__comments'), pushed_comments(of_affected_issues()), ['site_id', 'comment_id', 'version'], of_affected_issues()
) }}
