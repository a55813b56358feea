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
        row_number() over (
            partition by listed.site_id, listed.project_id, listed.role_id
            order by listed.observed_to_at, listed.version
        ) as place
    from listed
    left join told
        on
            listed.site_id = told.site_id
            and listed.project_id = told.project_id
            and listed.role_id = told.role_id
            and listed.version = told.version
),

bounded as (
    select
        *,
        lead(held_from_at) over (partition by site_id, project_id, role_id order by place) as held_to_at
    from versions
),

held as (
    select
        site_id,
        project_id,
        role_id,
        place,
        held_from_at,
        held_to_at,
        'user' as via,
        {{ each('user_ids') }} as actor_id
    from bounded
    where is_present
    union all
    select
        site_id,
        project_id,
        role_id,
        place,
        held_from_at,
        held_to_at,
        'group' as via,
        {{ each('group_ids') }} as actor_id
    from bounded
    where is_present
),

-- Versions that follow each other are one period.
runs as (
    select
        *,
        place - row_number() over (
            partition by site_id, project_id, role_id, via, actor_id order by place
        ) as run
    from held
),

final as (
    select
        site_id,
        project_id,
        role_id,
        via,
        actor_id,
        -- Not min_by and max_by: they pass over the nulls that mean `always` and `still`.
        list(held_from_at order by place asc)[1] as valid_from_at,
        list(held_to_at order by place desc)[1] as valid_to_at
    from runs
    group by site_id, project_id, role_id, via, actor_id, run
)

select * from final
