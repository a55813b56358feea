{#- The grant itself is the value of its permission. -#}
{%- set keys = {'permission': 'grant_key', 'type': 'null', 'value': 'null'} -%}

with schemes as (
    select * from {{ ref('int_permission_schemes__changed') }}
    where change in ('changed', 'returned')
),

named_permissions as (
    select * from {{ ref('int_permissions__named') }}
),

-- What only one of two successive versions of a scheme grants.
granted as (
    select
        * exclude (condition, changes),
        'grants_added' as condition,
        {{ each("list_filter(grants, lambda one: not list_contains(previous.grants, one))") }} as granted
    from schemes
    union all
    select
        * exclude (condition, changes),
        'grants_removed' as condition,
        {{ each("list_filter(previous.grants, lambda one: not list_contains(grants, one))") }} as granted
    from schemes
),

-- The name of a holder may have changed; then the same grant is on both sides.
unmatched as (
    select
        *,
        concat_ws(
            ':', granted.permission_key, granted.holder_type, coalesce(granted.holder_id, '')
        ) as identity
    from granted
    qualify count(*) over (partition by site_id, scheme_id, version, identity) = 1
),

named as (
    select
        unmatched.*,
        concat_ws(
            ':', unmatched.granted.permission_key, unmatched.granted.holder_type,
            coalesce(unmatched.granted.holder_name, '')
        ) as grant_key,
        coalesce(named_permissions.permission_name, unmatched.granted.permission_key) as permission_text,
        upper(unmatched.granted.holder_type[1])
        || regexp_replace(unmatched.granted.holder_type[2:], '([A-Z])', ' \1', 'g') as type_text,
        unmatched.granted.holder_name as value_text
    from unmatched
    left join named_permissions
        on
            unmatched.site_id = named_permissions.site_id
            and unmatched.granted.permission_key = named_permissions.permission_key
),

final as (
    select
        *,
        list_filter(
            [
                {%- for field in ['permission', 'type', 'value'] %}
                    struct_pack(
                        item_index := {{ loop.index0 }},
                        field_id := '{{ field }}',
                        field_name := '{{ field | capitalize }}',
                        old_id := case when condition = 'grants_removed' then {{ keys[field] }} end,
                        old_text := case when condition = 'grants_removed' then {{ field }}_text end,
                        new_id := case when condition = 'grants_added' then {{ keys[field] }} end,
                        new_text := case when condition = 'grants_added' then {{ field }}_text end
                    ){{ ',' if not loop.last }}
                {%- endfor %}
            ],
            lambda part: coalesce(part.old_text, part.new_text) is not null
        ) as changes
    from named
)

select * from final
