with action_types as (
    select * from {{ ref('action_types') }}
),

sources as (
    select * from {{ ref('int_sources__connected') }}
),

skipped as (
    select * from {{ ref('int_sources__skipped') }}
),

-- A list is named after its objects: an event of a `permission scheme` is read from `permission_schemes`.
channels as (
    select
        action_code,
        source,
        list(distinct replace(raw_event, ' ', '_') || 's') as resources
    from {{ ref('action_mappings') }}
    where action_code is not null
    group by action_code, source
),

withheld as (
    select
        channels.action_code,
        channels.source,
        max(skipped.loses) as loses
    from channels
    inner join skipped
        on channels.source = skipped.source and list_contains(channels.resources, skipped.resource)
    group by channels.action_code, channels.source
),

told as (
    {{ told_by_sources(ref('fct_actions'), ['source', 'action_code']) }}
),

unobserved as (
    select cast(count(*) as bigint) as issue_count
    from {{ ref('dim_issues') }}
    where deletion_state = 'unobserved'
),

final as (
    select
        action_types.action_number,
        action_types.action_code,
        action_types.label,
        channels.source,
        sources.connection,
        sources.is_connected and withheld.source is null as is_connected,
        coalesce(withheld.loses, sources.loses) as loses,
        coalesce(told.action_count, 0) as action_count,
        told.first_seen_at,
        told.last_seen_at,
        told.lag_p50_seconds,
        told.lag_p99_seconds,
        case
            when action_types.action_code = 'ISSUE_DELETED' and channels.source = 'jira_issues'
                then unobserved.issue_count
            else 0
        end as unobserved_count
    from action_types
    inner join channels on action_types.action_code = channels.action_code
    inner join sources on channels.source = sources.source
    cross join unobserved
    left join withheld
        on channels.source = withheld.source and channels.action_code = withheld.action_code
    left join told
        on channels.source = told.source and channels.action_code = told.action_code
)

select * from final
