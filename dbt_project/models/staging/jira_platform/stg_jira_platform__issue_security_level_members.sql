{{ config(unique_key=['site_id', 'member_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'issue_security_level_members') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'issueSecurityLevelId': 'varchar',
            'holder': holder_shape(),
        }) }} as member
    from raw
),

final as (
    select
        site_id,
        object_id as member_id,
        version,
        member.issuesecuritylevelid as level_id,
        member.holder.type as holder_type,
        {{ holder_id('member.holder') }} as holder_id,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
