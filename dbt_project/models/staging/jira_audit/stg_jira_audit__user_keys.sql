{{ config(unique_key=['site_id', 'user_key', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_audit', 'user_keys') }}
),

final as (
    select
        site_id,
        object_id as user_key,
        version,
        nullif({{ json_text('payload', 'accountId') }}, 'unknown') as account_id,
        fetched_at,
        {{ this_build() }} as build_id
    from raw
)

select * from final
