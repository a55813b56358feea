with listed_groups as (
    select * from {{ ref('stg_jira_platform__groups') }}
),

final as (
    select
        site_id,
        group_name,
        group_id
    from listed_groups
    where is_present and group_name is not null
    qualify row_number() over (partition by site_id, group_name order by fetched_at desc, group_id desc) = 1
)

select * from final
