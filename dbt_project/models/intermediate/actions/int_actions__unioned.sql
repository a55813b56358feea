{#- A new source of actions is one more name here. -#}
{%- set sources = [
    'int_actions__from_issues',
    'int_actions__from_presence',
    'int_actions__from_changelog',
    'int_actions__from_comments',
    'int_actions__from_worklogs',
    'int_actions__from_attachments',
    'int_actions__from_links',
    'int_actions__from_issue_views',
] -%}

{% for source_model in sources %}
    select {{ issue_action_columns() | join(', ') }}
    from {{ ref(source_model) }}
    {{ 'union all' if not loop.last }}
{% endfor %}
