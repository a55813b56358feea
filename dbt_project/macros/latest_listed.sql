{#- The objects of a resource that is listed in full, each as it was last listed. `is_deleted`: a
    complete listing since then no longer held it. -#}
{%- macro latest_listed(relation, key) -%}
    select
        *,
        coalesce(
            fetched_at < max(case when not is_present then fetched_at end) over (partition by site_id, {{ key }}),
            false
        ) or not is_present as is_deleted
    from {{ relation }}
    qualify row_number() over (
        partition by site_id, {{ key }} order by is_present desc, fetched_at desc, version desc
    ) = 1
{%- endmacro -%}
