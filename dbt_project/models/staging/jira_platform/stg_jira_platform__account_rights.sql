{{ config(unique_key=['site_id', 'object_id', 'version']) }}

with raw as (
    {{ raw_rows('raw_jira_platform', 'account_rights') }}
),

parsed as (
    select
        *,
        {{ json_to_struct('payload', {
            'permissions': {'ADMINISTER': {'havePermission': 'boolean'}},
        }) }} as rights
    from raw
),

final as (
    select
        site_id,
        object_id,
        version,
        rights.permissions.administer.havepermission as is_administrator,
        is_present,
        fetched_at,
        {{ this_build() }} as build_id
    from parsed
)

select * from final
