{#- Deletions of comments are told twice: by an event of their own, and by one of the issue. -#}
{%- set deletions = [
    {'target_type': 'issue', 'condition': "event = 'jira:issue_deleted'"},
    {'target_type': 'comment', 'condition': "event = 'comment_deleted'"},
    {'target_type': 'comment', 'condition': "issue_event = 'issue_comment_deleted'"},
    {'target_type': 'worklog', 'condition': "event = 'worklog_deleted'"},
    {'target_type': 'attachment', 'condition': "event = 'attachment_deleted'"},
] -%}

with deliveries as (
    select
        *,
        -- Who wrote a deleted thing did not delete it: only the sender tells who did.
        case
            when starts_with(event, 'jira:issue_') then coalesce(person.account_id, triggered_by_account_id)
            else triggered_by_account_id
        end as actor_account_id
    from {{ ref('stg_inbox__deliveries') }}
    where not is_consequence
),

told as (
    {% for deletion in deletions %}
        select
            *,
            '{{ deletion.target_type }}' as target_type,
            {{ deletion.target_type }}.id as object_id
        from deliveries
        where {{ deletion.condition }} and {{ deletion.target_type }}.id is not null
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

final as (
    select
        site_id,
        target_type,
        object_id,
        min(issue_id) as issue_id,
        min_by(delivery_id, (sent_at, delivery_id)) as delivery_id,
        min(sent_at) as deleted_at,
        min_by(actor_account_id, (sent_at, delivery_id)) filter (
            where actor_account_id is not null
        ) as actor_account_id,
        min(fetched_at) as fetched_at,
        max(build_id) as build_id
    from told
    group by site_id, target_type, object_id
)

select * from final
