{#- Rollups of the facts by actor and time. They are updated where the facts have changed: the facts remember
    in `elt_state.changed_actor_days` (same database and transaction) which days of which actors lost or
    gained a row; a rollup counts those again, and only those. -#}

{#- In the facts' strategy: the actors' days among `rows`. What every rollup has taken in is forgotten. -#}
{%- macro remember_actor_days(rows, those_of) -%}
    delete from {{ this.database }}.elt_state.changed_actor_days
    where
        {%- for model in config.get('counted_by') %}
        build_id not in (
            {{ builds_not_in(model, this.database) }}
        ){{ ' and' if not loop.last }}
        {%- endfor %};

    insert into {{ this.database }}.elt_state.changed_actor_days
    select distinct {{ this_build() }}, site_id, occurred_date, actor_account_id
    from {{ rows }}
    {{ those_of }};
{%- endmacro -%}

{#- Pre-hook of the facts: rollups of facts that are made anew are made anew too. -#}
{%- macro forget_rollups() -%}
    {%- if execute and not is_incremental() -%}
        {%- for model in config.get('counted_by') -%}
            {%- set rollup = adapter.get_relation(database=this.database, schema=this.schema, identifier=model) -%}
            {%- if rollup is not none -%}
                {%- do adapter.drop_relation(rollup) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro -%}

{#- The actors and periods ('day' or 'month') to count again: site_id, period, actor_account_id. -#}
{%- macro changed_actors(period) -%}
    select distinct
        changed.site_id,
        cast(date_trunc('{{ period }}', changed.occurred_date) as date) as period,
        changed.actor_account_id
    from {{ this.database }}.elt_state.changed_actor_days as changed
    where changed.build_id in (
        {{ builds_not_in(this.identifier, this.database) }}
    )
{%- endmacro -%}

{#- Whether a row of `relation` is of an actor and period of `changed`; null stands for an unknown actor. -#}
{%- macro same_actor(relation, day, period, changed) -%}
    {{ relation }}.site_id = {{ changed }}.site_id
    and date_trunc('{{ period }}', {{ relation }}.{{ day }}) = {{ changed }}.period
    and {{ relation }}.actor_account_id is not distinct from {{ changed }}.actor_account_id
{%- endmacro -%}

{#- Incremental strategy of a rollup: rows of changed actors and periods go, those counted now come. -#}
{%- macro get_incremental_replace_actors_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set columns = arg_dict['dest_columns'] | map(attribute='name') | join(', ') -%}

    delete from {{ target }} as stored
    using ({{ changed_actors(config.get('period')) }}) as changed
    where {{ same_actor('stored', config.get('period_column'), config.get('period'), 'changed') }};

    insert into {{ target }} ({{ columns }})
    select {{ columns }} from {{ arg_dict['temp_relation'] }};
{%- endmacro -%}

{#- The rule of the catalogue that decides who may see an action, where it is not the issue's security alone:
    rollups keep such actions apart. -#}
{%- macro rule_of_actions(action_types) -%}
    case when {{ action_types }}.visibility_rule in ('assets_role', 'browse_project')
        then {{ action_types }}.visibility_rule end
{%- endmacro -%}
