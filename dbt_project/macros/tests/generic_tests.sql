{#- The project's generic tests, in place of packages. A row they return is a failure. -#}

{#- No two rows agree on the columns. -#}
{%- test unique_key(model, columns) -%}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
group by {{ columns | join(', ') }}
having count(*) > 1
{%- endtest -%}

{#- Every value occurs in `field` of the relation `to`. -#}
{%- test has_parent(model, column_name, to, field) -%}
select child.{{ column_name }}
from {{ model }} as child
where
    child.{{ column_name }} is not null
    and not exists (select 1 from {{ to }} as parent where parent.{{ field }} = child.{{ column_name }})
{%- endtest -%}

{#- Every value is one of `values`. -#}
{%- test one_of(model, column_name, values) -%}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not in ('{{ values | join("', '") }}')
{%- endtest -%}
