{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['part', 'hidden_issue_id', 'text_id'],
    affected='int_issues__affected',
    with_those_naming_them=true,
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with texts as (
    select * from {{ ref('bridge_named_issues') }}
    {% if is_incremental() %}
        where issue_id in ({{ issues_naming_affected_ones() }}) or issue_id is null
    {% endif %}
),

issue_keys as (
    select * from {{ ref('bridge_issue_keys') }}
),

issues as (
    select * from {{ ref('dim_issues') }}
),

-- What is no key, present or former, of an issue is its id; a key that nobody bears is no issue's id.
named as (
    select
        texts.*,
        coalesce(issue_keys.issue_id, texts.named_issue) as named_issue_id
    from texts
    left join issue_keys
        on texts.site_id = issue_keys.site_id and texts.named_issue = issue_keys.issue_key
),

final as (
    select distinct
        named.site_id,
        named.issue_id,
        named.action_id,
        named.occurred_at,
        named.text_id,
        named.part,
        coalesce(issues.issue_id, '') as hidden_issue_id
    from named
    left join issues on named.site_id = issues.site_id and named.named_issue_id = issues.issue_id
    where
        issues.is_secured is not false
        -- The name of the issue itself hides nothing.
        and named.named_issue_id is distinct from named.issue_id
)

select * from final
order by occurred_at, text_id, part, hidden_issue_id
