{#- The project's generic tests, in place of packages. A row they return is a failure.

    `within` limits a test of a large relation to the rows that this build may have changed: those of
    the issues in the relation given, which in a full build are all, and those without an issue. -#}

{#- Whether this build may have changed a row. -#}
{%- macro may_have_changed(issue_id, within) -%}
    coalesce({{ issue_id }}, '') in (select issue_id from {{ within }} union all select '')
{%- endmacro -%}

{#- The last SELECT of a test that two relations hold the same rows, as sets, because a value can be null. -#}
{%- macro rows_that_differ(wanted, counted) -%}
    {%- for problem, here, there in [('missing', wanted, counted), ('surplus', counted, wanted)] %}
    select
        '{{ problem }}' as problem,
        {{ problem }}.*
    from (
        select * from {{ here }}
        except
        select * from {{ there }}
    ) as {{ problem }}
    {% if not loop.last %}union all{% endif %}
    {%- endfor %}
{%- endmacro -%}

{#- No two rows agree on the columns. -#}
{%- test unique_key(model, columns, within=none) -%}
select
    {{ columns | join(', ') }},
    count(*) as row_count
from {{ model }}
{%- if within %}
where {{ columns[-1] }} in (
    select {{ columns[-1] }} from {{ model }}
    where {{ may_have_changed('issue_id', within) }}
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
    and {{ may_have_changed('child.issue_id', within) }}
    {%- endif %}
    and not exists (select 1 from {{ to }} as parent where parent.{{ field }} = child.{{ column_name }})
{%- endtest -%}

{#- Every value is one of `values`. -#}
{%- test one_of(model, column_name, values) -%}
select {{ column_name }}
from {{ model }}
where {{ column_name }} not in ('{{ values | join("', '") }}')
{%- endtest -%}

{#- Rows of evidence keep what int_actions__matched relies on. -#}
{%- test is_evidence(model) -%}
select
    source,
    source_event_id,
    item_key,
    action_code
from {{ model }}
group by site_id, source, source_event_id, item_key, action_code
having
    count(*) > 1
    or not bool_and(
        site_id is not null and source is not null and source_event_id is not null and item_key is not null
        and action_code in (select known.action_code from {{ ref('action_types') }} as known)
        and match_key is not null
        and occurred_at is not null and recorded_at is not null
        -- An exact time, or a window that ends with it.
        and (observed_from_at is null) = (observed_to_at is null)
        and coalesce(observed_from_at <= observed_to_at and observed_to_at = occurred_at, true)
        and case
            when actor_account_id is null then actor_certainty = 'unknown'
            else actor_certainty in ('known', 'inferred')
        end
        -- What is done to an issue is matched by its own ids: see int_actions__unioned.
        and issue_id is null
        and changes is not null
        and len(changes) = len(list_distinct(list_transform(changes, lambda change: change.item_index)))
        and len(list_filter(changes, lambda change: change.field_id is null)) = 0
    )
{%- endtest -%}
