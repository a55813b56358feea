{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'issue_id', 'issue_key', 'valid_from_at'],
    post_hook="{{ mark_builds_processed(builds_not_in('int_issues__keys')) }}",
) }}

with issues as (
    select
        site_id,
        issue_id,
        issue_key,
        created_at,
        updated_at,
        build_id
    from {{ ref('stg_jira_issues__issues') }}
    union all
    select
        site_id,
        issue_id,
        issue.key as issue_key,
        {{ utc_timestamp('issue.fields.created') }} as created_at,
        {{ utc_timestamp('issue.fields.updated') }} as updated_at,
        build_id
    from {{ ref('stg_inbox__deliveries') }}
    where issue.fields.updated is not null and not is_consequence
),

moved as (
    select
        site_id,
        issue_id,
        occurred_at,
        history_id,
        build_id,
        old_text as old_key,
        new_text as new_key
    from (
        {{ structural_items(['key']) }}
    ) as items
),

affected as (
    select issue_id from issues
    {% if is_incremental() %}
        where build_id in ({{ builds_not_in('int_issues__keys') }})
        union
        select issue_id from moved
        where build_id in ({{ builds_not_in('int_issues__keys') }})
    {% else %}
        union
        select issue_id from moved
    {% endif %}
),

key_changes as (
    select * from moved
    where issue_id in (select issue_id from affected)
),

-- An issue's own payload tells the keys that no move names: that of an issue never moved, and one
-- that came with a new project key.
seen as (
    select
        site_id,
        issue_id,
        issue_key,
        min(created_at) as created_at,
        min(updated_at) as first_seen_at
    from issues
    where issue_id in (select issue_id from affected)
    group by site_id, issue_id, issue_key
),

points as (
    select
        site_id,
        issue_id,
        occurred_at as starts_at,
        1 as step,
        history_id,
        old_key as issue_key
    from key_changes
    union all
    select
        site_id,
        issue_id,
        occurred_at as starts_at,
        2 as step,
        history_id,
        new_key as issue_key
    from key_changes
    union all
    select
        seen.site_id,
        seen.issue_id,
        seen.first_seen_at as starts_at,
        3 as step,
        cast(null as varchar) as history_id,
        seen.issue_key
    from seen
    left join key_changes
        on
            seen.site_id = key_changes.site_id
            and seen.issue_id = key_changes.issue_id
            and seen.issue_key in (key_changes.old_key, key_changes.new_key)
    where key_changes.issue_id is null
),

ordered as (
    select
        *,
        lag(issue_key) over (
            partition by site_id, issue_id order by starts_at, history_id nulls last, step
        ) as previous_key
    from points
),

periods as (
    select
        site_id,
        issue_id,
        issue_key,
        starts_at,
        row_number() over issue_time as period,
        lead(starts_at) over issue_time as ends_at
    from ordered
    where previous_key is distinct from issue_key
    window issue_time as (partition by site_id, issue_id order by starts_at, history_id nulls last, step)
),

created as (
    select
        site_id,
        issue_id,
        min(created_at) as created_at
    from seen
    group by site_id, issue_id
),

final as (
    select
        periods.site_id,
        periods.issue_id,
        periods.issue_key,
        case
            when periods.period = 1 then least(periods.starts_at, created.created_at) else periods.starts_at
        end as valid_from_at,
        periods.ends_at as valid_to_at,
        periods.ends_at is null as is_current,
        {{ this_build() }} as build_id
    from periods
    left join created on periods.site_id = created.site_id and periods.issue_id = created.issue_id
)

select * from final
