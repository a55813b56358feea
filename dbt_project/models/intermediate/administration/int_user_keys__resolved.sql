with user_keys as (
    select * from {{ ref('stg_jira_audit__user_keys') }}
),

final as (
    select
        site_id,
        user_key,
        account_id
    from user_keys
    where account_id is not null
    qualify row_number() over (partition by site_id, user_key order by fetched_at desc, version desc) = 1
)

select * from final
