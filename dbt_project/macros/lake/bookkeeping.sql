{#- What every source tells of its own runs, from the raw rows of its `runs` and `quarantine`. -#}

{#- Every source that is synced: one more is one more name here. -#}
{%- macro synced_sources() -%}
    {{ return([
        'jira_issues',
        'jira_platform',
        'jira_software',
        'jira_audit',
        'org_events',
        'assets',
        'confluence',
        'inbox',
    ]) }}
{%- endmacro -%}

{%- macro runs(raw) -%}
    select
        site_id,
        object_id as run_id,
        {{ json_text('payload', 'source') }} as source,
        {{ json_sum("json_extract(payload, '$.rows')") }} as row_count,
        {{ json_sum("json_extract(payload, '$.requests')") }} as request_count,
        {{ utc_timestamp(json_text('payload', 'finished_at')) }} as finished_at,
        payload as report,
        fetched_at,
        {{ this_build() }} as build_id
    from {{ raw }}
    where is_present
{%- endmacro -%}

{%- macro quarantined_records(raw) -%}
    select
        site_id,
        object_id,
        version,
        {{ json_text('payload', 'resource') }} as resource,
        {{ json_text('payload', 'reason') }} as reason,
        fetched_at,
        {{ this_build() }} as build_id
    from {{ raw }}
    where is_present
{%- endmacro -%}
