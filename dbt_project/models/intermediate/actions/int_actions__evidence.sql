{#- A new source of actions outside issues is one more name here. -#}
{%- set sources = [
    'int_actions__from_assets',
    'int_actions__from_audit',
    'int_actions__from_boards',
    'int_actions__from_confluence',
    'int_actions__from_filters',
    'int_actions__from_issue_types',
    'int_actions__from_last_active',
    'int_actions__from_options',
    'int_actions__from_org_events',
    'int_actions__from_platform_diffs',
    'int_actions__from_sprints',
    'int_actions__from_versions',
    'int_actions__from_webhooks',
] -%}

-- The columns and their types, also while no source is named.
{{ evidence('(select 1)', dict.fromkeys(evidence_columns(), 'null')) }}
where false
{% for source_model in sources %}
    union all
    {{ evidence(ref(source_model)) }}
{% endfor %}
