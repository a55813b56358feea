{{ config(materialized='table') }}

with observed as (
    select * from {{ ref('int_user_activity__observed') }}
),

final as (
    select
        site_id,
        account_id,
        max(active_at) as last_active_at,
        -- Of several that tell of the newest moment, the one that told first.
        min_by(source, (-epoch_us(active_at), recorded_at, source)) as source,
        min_by(evidence, (-epoch_us(active_at), recorded_at, source, evidence)) as evidence,
        min_by(recorded_at, (-epoch_us(active_at), recorded_at)) as recorded_at,
        min(active_at) as first_active_at,
        max(active_at) filter (where source = 'org_events' and evidence = 'event') as organization_active_at,
        max(active_at) filter (where source = 'jira_audit') as administration_active_at,
        max(active_at) filter (where source = 'assets') as assets_active_at,
        max(active_at) filter (where evidence = 'date of last activity') as product_active_at
    from observed
    group by site_id, account_id
)

select * from final
