with group_members as (
    select * from {{ ref('stg_jira_platform__group_members') }}
),

final as (
    {{ listing_changes(
        'group_members', ref('stg_jira_platform__sweeps'), ['group_id', 'account_id'],
        "'group_members:' || group_id", comes_and_goes=true
    ) }}
)

select * from final
