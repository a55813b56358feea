with affected as (
    select * from {{ ref('int_issues__affected') }}
),

ends as (
    select * from {{ ref('int_links__ends') }}
),

issue_keys as (
    select * from {{ ref('int_issues__keys') }}
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
        issue_id in (select issue_id from affected)
        or other_issue_id in (select issue_id from affected)
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
        *,
        min(fetched_at) over (partition by site_id, link_key, action_code, ordinal) as first_fetched_at
    from numbered
    qualify row_number() over (
        partition by site_id, link_key, action_code, ordinal
        order by is_source desc, occurred_at asc, history_id asc, item_index asc
    ) = 1
),

final as (
    select
        site_id,
        'jira_issues' as source,
        history_id as source_event_id,
        link_key as event_key,
        cast(ordinal as varchar) as item_key,
        action_code,
        occurred_at,
        first_fetched_at as recorded_at,
        cast(null as timestamp) as observed_from_at,
        cast(null as timestamp) as observed_to_at,
        actor_account_id,
        link_key as target_id,
        coalesce(new_value, old_value) as target_label,
        issue_id,
        cast(null as varchar) as from_status_id,
        cast(null as varchar) as to_status_id,
        cast(null as varchar) as resolution_id,
        old_value,
        new_value,
        0 as change_count
    from paired
    -- What is new about a link makes both of its issues affected: if this one is not, the action
    -- stands as it is.
    where issue_id in (select issue_id from affected)
)

select * from final
