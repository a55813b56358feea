{{ config(materialized='table') }}

{#- When somebody, or a group, had a role of an object schema: from listing to listing. -#}
with roles as (
    select * from {{ ref('stg_assets__schema_roles') }}
),

listed as (
    {{ listing_changes(
        'roles', ref('stg_assets__sweeps'), ['role_id'], "'schema_roles:' || listed.object_schema_id"
    ) }}
),

-- Assets calls a group by its name.
named_groups as (
    select
        site_id,
        map_from_entries(list((group_name, group_id))) as group_ids
    from {{ ref('int_groups__named') }}
    group by site_id
),

versions as (
    select
        listed.* replace (
            list_transform(
                listed.members,
                lambda member: struct_pack(
                    via := split_part(member.member_id, ':', 1),
                    actor_id := coalesce(
                        case
                            when member.member_id like 'group:%' then named_groups.group_ids[member.actor_id]
                        end,
                        member.actor_id
                    )
                )
            ) as members
        ),
        case when listed.change != 'baseline' then listed.observed_to_at end as held_from_at
    from listed
    left join named_groups on listed.site_id = named_groups.site_id
),

periods as (
    {{ membership_periods('versions', ['object_schema_id', 'role_id']) }}
),

names as (
    select
        site_id,
        role_id,
        max_by(role_name, (fetched_at, version)) as role_name
    from roles
    where is_present
    group by site_id, role_id
),

final as (
    select
        periods.*,
        names.role_name
    from periods
    inner join names
        on periods.site_id = names.site_id and periods.role_id = names.role_id
)

select * from final
