{{ polled_or_pushed(
    ref('stg_jira_issues__changelogs'),
    pushed_histories(of_affected_issues()),
    ['site_id', 'history_id'],
    of_affected_issues()
) }}
