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

{#- Things that are listed, or that the administration log alone knows: what `listed` says, completed by
    the actions whose codes begin with `codes`. `kind` names the columns: <kind>_id, _name, _description. -#}
{%- macro listed_or_logged(listed, kind, codes) -%}
    select
        coalesce(listed.{{ kind }}_id, logged.{{ kind }}_id) as {{ kind }}_id,
        coalesce(listed.{{ kind }}_name, logged.{{ kind }}_name) as {{ kind }}_name,
        listed.{{ kind }}_description,
        coalesce(listed.is_deleted, false) or coalesce(logged.is_deleted, false) as is_deleted,
        coalesce(listed.site_id, logged.site_id) as site_id
    from {{ listed }} as listed
    full outer join (
        select
            site_id,
            target_id as {{ kind }}_id,
            max_by(target_label, occurred_at) as {{ kind }}_name,
            bool_or(action_code = '{{ codes }}DELETED') as is_deleted
        from {{ ref('int_actions__matched') }}
        where starts_with(action_code, '{{ codes }}')
        group by site_id, target_id
    ) as logged on listed.site_id = logged.site_id and listed.{{ kind }}_id = logged.{{ kind }}_id
{%- endmacro -%}
