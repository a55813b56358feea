{#- Things of a kind that no listing has shown, but that actions were done to: made and deleted between
    two listings, or gone before the first one. With the last name and the project told of them. -#}
{%- macro known_from_actions(target_type, listed, key) -%}
    select
        actions.site_id,
        actions.target_id,
        max_by(actions.target_label, actions.occurred_at) filter (
            where actions.target_label is not null
        ) as target_label,
        max_by(actions.project_id, actions.occurred_at) filter (where actions.project_id is not null) as project_id
    from {{ ref('int_actions__matched') }} as actions
    inner join {{ ref('action_types') }} as action_types
        on actions.action_code = action_types.action_code and action_types.target_type = '{{ target_type }}'
    where
        actions.target_id is not null
        and not exists (
            select 1 from {{ listed }} as listed
            where listed.site_id = actions.site_id and listed.{{ key }} = actions.target_id
        )
    group by actions.site_id, actions.target_id
{%- endmacro -%}
