{#- The project's generic tests, in place of packages. A row they return is a failure.

    `within` limits a test of a large relation to the rows that this build may have changed: those of
    the issues in the relation given, which in a full build are all. -#}

{#- No two rows agree on the columns. -#}
{%- test unique_key(model, columns, within=none) -%}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
{%- if within %}
where {{ columns[-1] }} in (
    select {{ columns[-1] }} from {{ model }}
    where issue_id in (select issue_id from {{ within }})
)
{%- endif %}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- endtest -%}

{#- Every value occurs in `field` of the relation `to`. -#}
{%- test has_parent(model, column_name, to, field, within=none) -%}
select child.{{ column_name }}
from {{ model }} as child
where
    child.{{ column_name }} is not null
    {%- if within %}
    and child.issue_id in (select issue_id from {{ within }})
    {%- endif %}
    and not exists (select 1 from {{ to }} as parent where parent.{{ field }} = child.{{ column_name }})
{%- endtest -%}

{#- Every value is one of `values`. -#}
{%- test one_of(model, column_name, values) -%}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not in ('{{ values | join("', '") }}')
{%- endtest -%}
