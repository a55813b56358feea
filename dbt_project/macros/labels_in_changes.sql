{#- The ids and texts fields were changed from or to, with the latest text of each id; `of_field` is a
    condition on `field_id`. -#}
{%- macro labels_in_changes(changes, of_field) -%}
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
            where {{ of_field }} and {{ side }}_value_id is not null
            group by all
            {{ 'union all' if not loop.last }}
        {% endfor %}
    )
    group by site_id, object_id
{%- endmacro -%}
