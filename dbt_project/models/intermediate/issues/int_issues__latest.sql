with issues as (
    select * from {{ ref('int_issues__versions') }}
),

-- Chosen by narrow columns; only what is chosen is read as a whole.
newest as (
    select
        site_id,
        issue_id,
        version
    from issues
    qualify row_number() over (
        partition by site_id, issue_id order by updated_at desc, fetched_at desc, version desc
    ) = 1
),

final as (
    select issues.*
    from issues
    inner join newest on {{ same_key('issues', 'newest', ['site_id', 'issue_id', 'version']) }}
)

select * from final
