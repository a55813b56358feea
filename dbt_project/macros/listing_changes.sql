{#- What changes between complete listings. Lists that have no history of their own are read whole, again
    and again; each stored version of an object ends in the id of the listing (sweep) that saw it. A
    change that a listing is the first to show happened after the complete listing before it began and
    before this one ended. What the very first listing shows has happened any time before: it is where
    we begin, not a change. -#}

{#- The listings of a source, from the raw rows of its `sweeps`. -#}
{%- macro listings(raw) -%}
    select
        site_id,
        object_id as list_name,
        version as sweep_id,
        {{ json_text('payload', 'status') }} = 'complete' as is_complete,
        {{ utc_timestamp(json_text('payload', 'started_at')) }} as started_at,
        {{ utc_timestamp(json_text('payload', 'finished_at')) }} as finished_at,
        fetched_at,
        {{ this_build() }} as build_id
    from {{ raw }}
    where is_present
{%- endmacro -%}

{#- Every version of `relation` (a staging model of a list: site_id, version, is_present, fetched_at and
    the columns in `key`), with
    - `previous`: the version listed before, as a structure (of a vanished object, its last one),
    - `observed_from_at` and `observed_to_at`: between which the change happened,
    - `change`: 'baseline' (was there when we began), 'created', 'changed', 'returned' (like changed,
      after it had been missed), 'vanished', or 'withdrawn' (missed, but it came back).
    `list_name` is the expression of the list's name in `sweeps`. With `comes_and_goes` an object that
    is missed and comes back has left and been created again (members of a group), instead of never
    having been away. -#}
{%- macro listing_changes(relation, sweeps, key, list_name, comes_and_goes=false) -%}
    select
        *,
        case
            when begins_at is null then 'baseline'
            when not is_present then {% if not comes_and_goes %}case when is_last then 'vanished' else 'withdrawn' end{% else %}'vanished'{% endif %}
            when previous is null then 'created'
            when was_present then 'changed'
            else {{ "'created'" if comes_and_goes else "'returned'" }}
        end as change,
        {% if comes_and_goes %}begins_at{% else %}case when was_present is false then missed_from_at else begins_at end{% endif %} as observed_from_at
    from (
        select
            listed.*,
            windows.begins_at,
            windows.finished_at as observed_to_at,
            last_value(case when listed.is_present then listed end ignore nulls) over (
                in_order rows between unbounded preceding and 1 preceding
            ) as previous,
            lag(listed.is_present) over in_order as was_present,
            lag(windows.begins_at) over in_order as missed_from_at,
            lead(listed.is_present) over in_order is null as is_last
        from {{ relation }} as listed
        inner join (
            select
                *,
                max(case when is_complete then started_at end) over (
                    partition by site_id, list_name order by started_at, sweep_id
                    rows between unbounded preceding and 1 preceding
                ) as begins_at
            from {{ sweeps }}
        ) as windows
            on
                listed.site_id = windows.site_id
                and {{ list_name }} = windows.list_name
                and split_part(listed.version, '.', -1) = windows.sweep_id
        window in_order as (
            partition by listed.site_id{% for column in key %}, listed.{{ column }}{% endfor %}
            order by windows.started_at, windows.sweep_id
        )
    ) as placed
{%- endmacro -%}

{#- How a version differs from its `previous` one, as the `changes` of evidence. Each field is a mapping:
    `id`, `name`, `text` (the column people read) and, where the value has an identity of its own,
    `value` (the column of its id, which then decides whether it changed). -#}
{%- macro field_changes(fields) -%}
    list_transform(
        list_filter(
            [
                {%- for field in fields %}
                struct_pack(
                    item_index := cast({{ loop.index0 }} as integer),
                    field_id := '{{ field.id }}',
                    field_name := '{{ field.name }}',
                    old_id := cast({{ 'previous.' ~ field.value if field.value else 'null' }} as varchar),
                    old_text := cast(previous.{{ field.text }} as varchar),
                    new_id := cast({{ field.value if field.value else 'null' }} as varchar),
                    new_text := cast({{ field.text }} as varchar),
                    is_changed := (
                        {{ field.value or field.text }} is distinct from previous.{{ field.value or field.text }}
                    )
                ){{ ',' if not loop.last }}
                {%- endfor %}
            ],
            lambda field: field.is_changed
        ),
        lambda field: struct_pack(
            item_index := field.item_index,
            field_id := field.field_id,
            field_name := field.field_name,
            old_id := field.old_id,
            old_text := field.old_text,
            new_id := field.new_id,
            new_text := field.new_text
        )
    )
{%- endmacro -%}

{#- The events a changed version is, as an array to unnest: of each (condition, when, changes) those
    of which `when` holds. `changes` may be none. -#}
{%- macro listing_events(events) -%}
    list_filter(
        [
            {%- for condition, when, changes in events %}
            case
                when {{ when }}
                    then struct_pack(condition := '{{ condition }}', changes := {{ changes or no_changes() }})
            end{{ ',' if not loop.last }}
            {%- endfor %}
        ],
        lambda event: event is not null
    )
{%- endmacro -%}

{#- A time as people read it in changes: ISO-8601 in UTC with milliseconds. -#}
{%- macro iso_text(expression) -%}
    strftime({{ expression }}, '%Y-%m-%dT%H:%M:%S.%gZ')
{%- endmacro -%}
