with events as (
    select * from {{ ref('int_org_events__classified') }}
    where action_code = 'ISSUE_VIEWED'
),

mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'inbox' and raw_event = 'issue view' and action_code = 'ISSUE_VIEWED'
),

pushed as (
    select * from {{ ref('stg_inbox__issue_views') }}
),

final as (
    select
        site_id,
        'org_events' as source,
        source_event_id,
        actor_account_id as account_id,
        case when regexp_full_match(issue_id_or_key, '[0-9]+') then issue_id_or_key end as issue_id,
        case when not regexp_full_match(issue_id_or_key, '[0-9]+') then issue_id_or_key end as issue_key,
        'issue_view' as view_source,
        occurred_at as viewed_at,
        fetched_at as recorded_at,
        build_id
    from events
    where actor_account_id is not null and issue_id_or_key is not null and occurred_at is not null
    union all
    select
        pushed.site_id,
        'inbox' as source,
        pushed.view_id as source_event_id,
        pushed.account_id,
        pushed.issue_id,
        pushed.issue_key,
        pushed.view_source,
        pushed.viewed_at,
        pushed.fetched_at as recorded_at,
        pushed.build_id
    from pushed
    inner join mappings on pushed.view_source = mappings.condition
    where pushed.account_id is not null and (pushed.issue_id is not null or pushed.issue_key is not null)
)

select * from final
