{#- What Jira's webhooks tell of issues and what hangs on them, in the columns of the staging models of
    what is polled, and both channels together. Each is a query on stg_inbox__deliveries. -#}

{#- The version of an object as the pipelines write it. -#}
{%- macro version_at(timestamp) -%}
    strftime({{ timestamp }}, '%Y-%m-%dT%H:%M:%S.%gZ')
{%- endmacro -%}

{#- Deliveries that hold an object: `columns` of it, and when they were sent and came. -#}
{%- macro pushed(columns, is_held, condition) -%}
    select
        site_id,
        {{ columns }},
        sent_at,
        delivery_id,
        fetched_at,
        build_id
    from {{ ref('stg_inbox__deliveries') }}
    where {{ is_held }} is not null and not is_consequence and {{ condition }}
{%- endmacro -%}

{#- A version of an object: its own columns, and the time that makes it a version. -#}
{%- macro pushed_version(key, columns, updated, condition) -%}
    {{ pushed(
        key ~ ', ' ~ version_at(utc_timestamp(updated)) ~ ' as version, ' ~ columns ~ ', '
        ~ utc_timestamp(updated) ~ ' as updated_at',
        updated,
        condition,
    ) }}
{%- endmacro -%}

{#- Deliveries about comments, for example, name an issue without saying of when it is. -#}
{%- macro pushed_issues(condition='true') -%}
    {{ pushed_version('issue_id', issue_columns('issue', 'request_type', 'issue_payload'), 'issue.fields.updated', condition) }}
{%- endmacro -%}

{%- macro pushed_histories(condition='true') -%}
    {{ pushed(
        'changelog.id as history_id, issue_id, person as author, ' ~ history_items('changelog.items')
        ~ ' as items, sent_at as occurred_at',
        'changelog.id',
        condition,
    ) }}
{%- endmacro -%}

{%- macro pushed_comments(condition='true') -%}
    {{ pushed_version(
        'comment.id as comment_id, issue_id', comment_columns('comment'), 'comment.updated', condition
    ) }}
{%- endmacro -%}

{%- macro pushed_worklogs(condition='true') -%}
    {{ pushed_version(
        'worklog.id as worklog_id, issue_id', worklog_columns('worklog'), 'worklog.updated', condition
    ) }}
{%- endmacro -%}

{#- Each version once, whether it was polled, pushed or both: as it was polled if it was, since answers
    to requests are of one form and of the object's own time; known from the first of both on.
    `polled` is a relation, `pushed` one of the queries above; of several deliveries with one version the
    last one sent counts. -#}
{%- macro polled_or_pushed(polled, pushed, key, condition='true') -%}
    select
        polled.* replace (
            least(polled.fetched_at, pushed.fetched_at) as fetched_at,
            greatest(polled.build_id, pushed.build_id) as build_id
        ),
        true as is_polled,
        pushed.fetched_at is not null as is_pushed
    from (select * from {{ polled }} where {{ condition }}) as polled
    left join (
        select
            {{ key | join(', ') }},
            min(fetched_at) as fetched_at,
            max(build_id) as build_id
        from ({{ pushed }}) as deliveries
        group by {{ key | join(', ') }}
    ) as pushed
        on {{ same_key('polled', 'pushed', key) }}
    union all by name
    select
        pushed.* exclude (sent_at, delivery_id),
        false as is_polled,
        true as is_pushed
    from (
        select
            * replace (
                min(fetched_at) over (partition by {{ key | join(', ') }}) as fetched_at,
                max(build_id) over (partition by {{ key | join(', ') }}) as build_id
            )
        from ({{ pushed }}) as deliveries
        qualify row_number() over (
            partition by {{ key | join(', ') }} order by sent_at desc, delivery_id
        ) = 1
    ) as pushed
    where not exists (
        select 1 from {{ polled }} as polled
        where {{ same_key('polled', 'pushed', key) }}
    )
{%- endmacro -%}

{#- The same of the changed fields kept one by one. -#}
{%- macro structural_items(field_ids, condition='true') -%}
    {%- set items = ref('int_changelog_items__structural') -%}
    {%- set wanted = "field_id in ('" ~ field_ids | join("', '") ~ "') and " ~ condition -%}
    select
        polled.* replace (
            least(polled.fetched_at, pushed.fetched_at) as fetched_at,
            greatest(polled.build_id, pushed.build_id) as build_id
        ),
        true as is_polled,
        pushed.fetched_at is not null as is_pushed
    from (select * exclude (is_pushed) from {{ items }} where not is_pushed and {{ wanted }}) as polled
    left join (select * from {{ items }} where is_pushed and {{ wanted }}) as pushed
        on {{ same_key('polled', 'pushed', ['site_id', 'history_id', 'item_index']) }}
    union all by name
    select
        pushed.* exclude (is_pushed),
        false as is_polled,
        true as is_pushed
    from (select * from {{ items }} where is_pushed and {{ wanted }}) as pushed
    where not exists (
        select 1 from {{ items }} as polled
        where not polled.is_pushed and {{ same_key('polled', 'pushed', ['site_id', 'history_id']) }}
    )
{%- endmacro -%}

{#- Only what belongs to an issue that is recomputed; `issue_id` is the column that names it. -#}
{%- macro of_affected_issues(issue_id='issue_id') -%}
    {{ issue_id }} in (select affected.issue_id from {{ ref('int_issues__affected') }} as affected)
{%- endmacro -%}

{#- The affected issues, and those whose texts name one of them. An issue never loses a name: it keeps the
    keys that it had. -#}
{%- macro issues_naming_affected_ones() -%}
    select affected.issue_id
    from {{ ref('int_issues__affected') }} as affected
    union
    select texts.issue_id
    from {{ ref('bridge_named_issues') }} as texts
    where
        texts.issue_id is not null
        and texts.named_issue in (
            select affected.issue_id
            from {{ ref('int_issues__affected') }} as affected
            union all
            select issue_keys.issue_key
            from {{ ref('bridge_issue_keys') }} as issue_keys
            where {{ of_affected_issues('issue_keys.issue_id') }}
        )
{%- endmacro -%}

{#- The channels that told of something, as fct_actions.sources names them. -#}
{%- macro channels(is_polled, is_pushed) -%}
    case
        when {{ is_polled }} and {{ is_pushed }} then 'inbox,jira_issues'
        when {{ is_pushed }} then 'inbox'
        else 'jira_issues'
    end
{%- endmacro -%}

{#- Who is believed about it: what was polled. -#}
{%- macro believed_channel(is_polled) -%}
    case when {{ is_polled }} then 'jira_issues' else 'inbox' end
{%- endmacro -%}
