{{ config(unique_key=['site_id', 'level_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'issue_security_levels') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'name': 'varchar',
            'issueSecuritySchemeId': 'varchar',
        }) }} as security_level
    from raw
),

final as (
    select
        site_id,
        object_id as level_id,
        version,
        security_level.name as level_name,
        security_level.issuesecurityschemeid as scheme_id,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
