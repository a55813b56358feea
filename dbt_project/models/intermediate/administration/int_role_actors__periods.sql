{{ config(materialized='table') }}

{#- When somebody, or a group, had a role of a project: from listing to listing, or from the moment that the
    administration log tells, if it tells of just one in between. -#}
with listed as (
    select * from {{ ref('int_role_actors__listed') }}
),

exact as (
    select
        site_id,
        match_key,
        occurred_at
    from {{ ref('int_actions__from_audit') }}
    where action_code = 'PROJECT_ROLES_CHANGED'
),

told as (
    select
        listed.site_id,
        listed.project_id,
        listed.role_id,
        listed.version,
        min(exact.occurred_at) as occurred_at
    from listed
    inner join exact
        on
            listed.site_id = exact.site_id
            and listed.project_id || ':' || listed.role_id = exact.match_key
            and listed.observed_from_at < exact.occurred_at
            and listed.observed_to_at >= exact.occurred_at
    group by listed.site_id, listed.project_id, listed.role_id, listed.version
    having count(*) = 1
),

versions as (
    select
        listed.*,
        case
            when listed.change != 'baseline' then coalesce(told.occurred_at, listed.observed_to_at)
        end as held_from_at,
        list_concat(
            list_transform(listed.user_ids, lambda one: struct_pack(via := 'user', actor_id := one)),
            list_transform(listed.group_ids, lambda one: struct_pack(via := 'group', actor_id := one))
        ) as members
    from listed
    left join told
        on
            listed.site_id = told.site_id
            and listed.project_id = told.project_id
            and listed.role_id = told.role_id
            and listed.version = told.version
),

final as (
    {{ membership_periods('versions', ['project_id', 'role_id']) }}
)

select * from final
