with ends as (
    select * from {{ ref('int_links__ends') }}
),

issue_keys as (
    select * from {{ ref('int_issues__keys') }}
),

link_mappings as (
    select * from {{ ref('action_mappings') }}
    where source = 'inbox' and starts_with(raw_event, 'issuelink_')
),

link_types as (
    select distinct
        site_id,
        link_type_id,
        inward_phrase,
        outward_phrase
    from {{ ref('stg_jira_platform__issue_link_types') }}
    where inward_phrase is not null and outward_phrase is not null
),

-- The issue that held the other key when the link was made or removed; if nobody did then, the one
-- that held it first.
resolved as (
    select
        ends.*,
        issue_keys.issue_id as other_issue_id
    from ends
    left join issue_keys on ends.site_id = issue_keys.site_id and ends.other_key = issue_keys.issue_key
    qualify row_number() over (
        partition by ends.site_id, ends.history_id, ends.item_index
        order by
            issue_keys.valid_from_at <= ends.occurred_at desc nulls last,
            case
                when issue_keys.valid_from_at <= ends.occurred_at then issue_keys.valid_from_at
            end desc nulls last,
            issue_keys.valid_from_at asc,
            issue_keys.issue_id asc
    ) = 1
),

touched as (
    select * from resolved
    where
        {{ of_affected_issues() }}
        or {{ of_affected_issues('other_issue_id') }}
),

phrases as (
    select
        site_id,
        link_type_id,
        outward_phrase as phrase,
        case when outward_phrase = inward_phrase then 'both' else 'outward' end as link_end
    from link_types
    union
    select
        site_id,
        link_type_id,
        inward_phrase as phrase,
        case when outward_phrase = inward_phrase then 'both' else 'inward' end as link_end
    from link_types
),

typed as (
    select
        touched.*,
        phrases.link_type_id,
        coalesce(phrases.link_end, 'both') as link_end,
        coalesce(touched.other_issue_id, touched.other_key) as other_end
    from touched
    left join phrases on touched.site_id = phrases.site_id and ends_with(touched.phrase, phrases.phrase)
    qualify row_number() over (
        partition by touched.site_id, touched.history_id, touched.item_index
        order by length(phrases.phrase) desc nulls last, phrases.link_type_id, phrases.link_end desc
    ) = 1
),

-- A link without direction runs from the issue with the lower number to the other.
directed as (
    select
        *,
        case
            when link_end = 'outward' then true
            when link_end = 'inward' then false
            else {{ comes_first('issue_id', 'other_end') }}
        end as is_source
    from typed
),

identified as (
    select
        *,
        (case when is_source then issue_id else other_end end)
        || '-' || coalesce(link_type_id, '')
        || '-' || (case when is_source then other_end else issue_id end) as link_key
    from directed
),

numbered as (
    select
        *,
        row_number() over (
            partition by site_id, link_key, action_code, issue_id
            order by occurred_at, {{ number_order('history_id') }}, history_id, item_index
        ) as ordinal
    from identified
),

-- The n-th time one end tells of a link is the n-th time the other does.
paired as (
    select
        * replace (
            min(fetched_at) over (partition by site_id, link_key, action_code, ordinal) as fetched_at,
            bool_or(is_polled) over (partition by site_id, link_key, action_code, ordinal) as is_polled,
            bool_or(is_pushed) over (partition by site_id, link_key, action_code, ordinal) as is_pushed
        )
    from numbered
    qualify row_number() over (
        partition by site_id, link_key, action_code, ordinal
        order by is_source desc, occurred_at asc, history_id asc, item_index asc
    ) = 1
),

-- A webhook tells of a link by the ids of both issues and of the link itself, which no history knows.
deliveries as (
    select
        deliveries.site_id,
        link_mappings.action_code,
        deliveries.issue_link.id as link_id,
        deliveries.issue_link.sourceissueid as issue_id,
        deliveries.issue_link.destinationissueid as other_issue_id,
        deliveries.issue_link.issuelinktype.id as link_type_id,
        deliveries.issue_link.issuelinktype.inwardname
        = deliveries.issue_link.issuelinktype.outwardname as has_no_direction,
        'This issue ' || deliveries.issue_link.issuelinktype.outwardname || ' ' || coalesce(
            other_keys.issue_key, deliveries.issue_link.destinationissueid
        ) as link_text,
        deliveries.triggered_by_account_id as actor_account_id,
        deliveries.sent_at,
        deliveries.fetched_at
    from {{ ref('stg_inbox__deliveries') }} as deliveries
    inner join link_mappings on deliveries.event = link_mappings.raw_event
    left join issue_keys as other_keys
        on
            deliveries.site_id = other_keys.site_id
            and deliveries.issue_link.destinationissueid = other_keys.issue_id
            and other_keys.is_current
    where
        deliveries.issue_link.id is not null
        and not deliveries.is_consequence
        -- Subtasks and epics are fields of their issues.
        and not coalesce(deliveries.issue_link.systemlink, false)
        and (
            {{ of_affected_issues('deliveries.issue_link.sourceissueid') }}
            or {{ of_affected_issues('deliveries.issue_link.destinationissueid') }}
        )
),

pushed as (
    select
        site_id,
        action_code,
        link_id,
        min_by(issue_id, sent_at) as issue_id,
        min_by(
            case
                when has_no_direction and not {{ comes_first('issue_id', 'other_issue_id') }}
                    then other_issue_id || '-' || link_type_id || '-' || issue_id
                else issue_id || '-' || link_type_id || '-' || other_issue_id
            end,
            sent_at
        ) as link_key,
        min_by(link_text, sent_at) as link_text,
        min_by(actor_account_id, sent_at) filter (where actor_account_id is not null) as actor_account_id,
        min(sent_at) as sent_at,
        min(fetched_at) as fetched_at
    from deliveries
    group by site_id, action_code, link_id
),

told as (
    select
        site_id,
        link_key,
        action_code,
        occurred_at,
        ordinal,
        history_id as source_event_id,
        issue_id,
        actor_account_id,
        fetched_at,
        old_value,
        new_value,
        is_polled,
        is_pushed,
        true as is_history
    from paired
    union all
    select
        site_id,
        link_key,
        action_code,
        sent_at as occurred_at,
        0 as ordinal,
        link_id as source_event_id,
        issue_id,
        actor_account_id,
        fetched_at,
        case when action_code = 'ISSUELINK_DELETED' then link_text end as old_value,
        case when action_code = 'ISSUELINK_CREATED' then link_text end as new_value,
        false as is_polled,
        true as is_pushed,
        false as is_history
    from pushed
),

-- A history and a webhook no more than ten seconds apart tell of the same: of each such island, the
-- k-th history and the k-th webhook.
spaced as (
    select
        *,
        case
            when
                occurred_at - lag(occurred_at) over (
                    partition by site_id, link_key, action_code order by occurred_at, ordinal, source_event_id
                ) <= interval 10 seconds
                then 0
            else 1
        end as begins_island
    from told
),

islands as (
    select
        *,
        sum(begins_island) over (
            partition by site_id, link_key, action_code order by occurred_at, ordinal, source_event_id
            rows between unbounded preceding and current row
        ) as island
    from spaced
),

placed as (
    select
        *,
        row_number() over (
            partition by site_id, link_key, action_code, island, is_history
            order by occurred_at, ordinal, source_event_id
        ) as place
    from islands
),

merged as (
    select
        site_id,
        link_key,
        action_code,
        island,
        place,
        max_by(occurred_at, is_history) as occurred_at,
        max_by(source_event_id, is_history) as source_event_id,
        max_by(issue_id, is_history) as issue_id,
        max_by(actor_account_id, is_history) filter (where actor_account_id is not null) as actor_account_id,
        min(fetched_at) as recorded_at,
        max_by(old_value, is_history) filter (where old_value is not null) as old_value,
        max_by(new_value, is_history) filter (where new_value is not null) as new_value,
        bool_or(is_polled) as is_polled,
        bool_or(is_pushed) as is_pushed
    from placed
    group by site_id, link_key, action_code, island, place
),

in_turn as (
    select
        *,
        row_number() over (
            partition by site_id, link_key, action_code order by occurred_at, island, place
        ) as ordinal
    from merged
)

{{ issue_actions('in_turn', {
    'event_key': 'link_key',
    'item_key': 'ordinal',
    'target_id': 'link_key',
    'target_label': 'coalesce(new_value, old_value)',
    'old_value': 'old_value',
    'new_value': 'new_value',
}) }}
-- What is new about a link makes both of its issues affected: if this one is not, the action stands
-- as it is.
where {{ of_affected_issues() }}
