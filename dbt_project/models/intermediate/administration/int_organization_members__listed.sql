with organization_members as (
    select * from {{ ref('stg_jira_platform__organization_members') }}
),

final as (
    {{ listing_changes(
        'organization_members', ref('stg_jira_platform__sweeps'), ['organization_id', 'account_id'],
        "'organization_members:' || organization_id", comes_and_goes=true
    ) }}
)

select * from final
