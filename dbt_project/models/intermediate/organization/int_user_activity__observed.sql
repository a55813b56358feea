with events as (
    select * from {{ ref('stg_org_events__events') }}
),

dates as (
    select * from {{ ref('stg_org_events__last_active_dates') }}
),

managed_users as (
    select * from {{ ref('stg_org_events__users') }}
),

records as (
    select * from {{ ref('int_audit_records__classified') }}
),

object_histories as (
    select * from {{ ref('stg_assets__object_histories') }}
),

final as (
    select
        site_id,
        actor_account_id as account_id,
        'org_events' as source,
        'event' as evidence,
        occurred_at as active_at,
        fetched_at as recorded_at
    from events
    where actor_account_id is not null and occurred_at is not null
    union all
    select
        site_id,
        account_id,
        'org_events' as source,
        'date of last activity' as evidence,
        last_active_at as active_at,
        fetched_at as recorded_at
    from dates
    where last_active_at is not null
    union all
    select
        site_id,
        account_id,
        'org_events' as source,
        'date of last activity' as evidence,
        last_active_at as active_at,
        fetched_at as recorded_at
    from managed_users
    where last_active_at is not null
    union all
    select
        site_id,
        actor_account_id as account_id,
        'jira_audit' as source,
        'record' as evidence,
        occurred_at as active_at,
        recorded_at
    from records
    where actor_account_id is not null
    union all
    select
        site_id,
        actor_account_id as account_id,
        'assets' as source,
        'change of an asset' as evidence,
        created_at as active_at,
        fetched_at as recorded_at
    from object_histories
    where actor_account_id is not null and created_at is not null
)

select * from final
