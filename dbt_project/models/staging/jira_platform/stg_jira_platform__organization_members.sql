{{ config(unique_key=['site_id', 'organization_id', 'account_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'organization_members') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', embedded_user_shape()) }} as member
    from raw
),

final as (
    select
        site_id,
        parent_id as organization_id,
        object_id as account_id,
        version,
        member.displayname as display_name,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
