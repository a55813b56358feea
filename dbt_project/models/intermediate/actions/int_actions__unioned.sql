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
    select
        site_id,
        source,
        source_event_id,
        event_key,
        item_key,
        action_code,
        occurred_at,
        recorded_at,
        observed_from_at,
        observed_to_at,
        actor_account_id,
        target_id,
        target_label,
        issue_id,
        from_status_id,
        to_status_id,
        resolution_id,
        old_value,
        new_value,
        change_count,
        sources
    from {{ ref(source_model) }}
    {{ 'union all' if not loop.last }}
{% endfor %}
