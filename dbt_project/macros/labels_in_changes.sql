{#- The ids and texts a field was changed from or to, with the latest text of each id. -#}
{%- macro labels_in_changes(changes, field_id) -%}
    select
        site_id,
        object_id,
        max_by(label, (observed_at, label)) as label
    from (
        {% for side in ['old', 'new'] %}
            select
                site_id,
                {{ side }}_value_id as object_id,
                {{ side }}_value as label,
                max(occurred_at) as observed_at
            from {{ changes }}
            where field_id = '{{ field_id }}' and {{ side }}_value_id is not null
            group by all
            {{ 'union all' if not loop.last }}
        {% endfor %}
    )
    group by site_id, object_id
{%- endmacro -%}
