{#- Who was in something when: roles of projects and of Assets, whose members are listed together. -#}

{#- One row per period in which an account or a group was a member. `versions` is a relation with the
    columns of `key`, what `listing_changes` gives, `held_from_at` (null: since before we looked) and
    `members`, an array of structures: via (`user` or `group`) and actor_id. -#}
{%- macro membership_periods(versions, key) -%}
    {%- set keys = (['site_id'] + key) | join(', ') -%}
    select
        {{ keys }},
        via,
        actor_id,
        -- Not min_by and max_by: they pass over the nulls that mean `always` and `still`.
        list(held_from_at order by place asc)[1] as valid_from_at,
        list(held_to_at order by place desc)[1] as valid_to_at
    from (
        -- Versions that follow each other are one period.
        select
            *,
            place - row_number() over (partition by {{ keys }}, via, actor_id order by place) as run
        from (
            select
                {{ keys }},
                place,
                held_from_at,
                held_to_at,
                member.via,
                member.actor_id
            from (
                select
                    *,
                    {{ each('members') }} as member
                from (
                    select
                        *,
                        lead(held_from_at) over in_order as held_to_at,
                        row_number() over in_order as place
                    from {{ versions }}
                    -- Of two listings in one second the id of the later one is the greater.
                    window in_order as (
                        partition by {{ keys }} order by observed_to_at, split_part(version, '.', -1)
                    )
                ) as bounded
                where is_present
            ) as listed
        ) as held
    ) as runs
    group by {{ keys }}, via, actor_id, run
{%- endmacro -%}

{#- The same by account: whoever is in a group (`group_members`) is a member while both last. -#}
{%- macro people_in(periods, group_members, key) -%}
    select
        site_id{% for column in key %},
        {{ column }}{% endfor %},
        actor_id as account_id,
        via,
        cast(null as varchar) as group_id,
        valid_from_at,
        valid_to_at
    from {{ periods }}
    where via = 'user'
    union all
    select
        periods.site_id{% for column in key %},
        periods.{{ column }}{% endfor %},
        group_members.account_id,
        periods.via,
        periods.actor_id as group_id,
        greatest(periods.valid_from_at, group_members.valid_from_at) as valid_from_at,
        least(periods.valid_to_at, group_members.valid_to_at) as valid_to_at
    from {{ periods }} as periods
    inner join {{ group_members }} as group_members
        on
            periods.site_id = group_members.site_id
            and periods.actor_id = group_members.group_id
            and coalesce(periods.valid_from_at < group_members.valid_to_at, true)
            and coalesce(periods.valid_to_at > group_members.valid_from_at, true)
    where periods.via = 'group'
{%- endmacro -%}
