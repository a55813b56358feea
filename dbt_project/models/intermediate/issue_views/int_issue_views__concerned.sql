with views as (
    select * from {{ ref('int_issue_views__raw') }}
),

issue_keys as (
    select * from {{ ref('int_issues__keys') }}
),

final as (
    select
        issue_id,
        build_id
    from views
    where issue_id is not null
    union all
    select
        issue_keys.issue_id,
        views.build_id
    from views
    inner join issue_keys on views.site_id = issue_keys.site_id and views.issue_key = issue_keys.issue_key
    where views.issue_id is null
    union all
    -- Whose views are whose changes with the keys of every issue that ever had the same.
    select
        others.issue_id,
        issue_keys.build_id
    from issue_keys
    inner join issue_keys as others
        on
            issue_keys.site_id = others.site_id
            and issue_keys.issue_key = others.issue_key
            and issue_keys.issue_id != others.issue_id
)

select * from final
