{{ config(materialized='table') }}

{#- Several sources tell of one action: this model decides which rows of evidence belong together.

    Of one code and one thing (`match_key`):
    - what happens once to a thing is one action, whoever tells of it and when;
    - rows of different sources whose times are no more than `tolerance` apart are one action: times
      form islands, and the k-th row of each source in an island is the same action;
    - a row that only knows a window is told by an exact row within the window, if there is one.
    A webhook of a `vague` action says only that something has changed: where nobody else tells of
    that action at its moment, but of one it may have `meant`, it means that one. Which one it meant may
    also have been concluded from the webhook before; one that was lost in between makes that wrong, and
    an exact word of others on its moment beats it. A word that a webhook of its own action answers to
    says nothing about another one. -#}
{%- set meanings = [
    ('PROJECT_UPDATED', ['PROJECT_CATEGORY_CHANGED']),
    ('USER_UPDATED', ['USER_DEACTIVATED', 'USER_REACTIVATED']),
] -%}
{%- set tolerance = "interval 10 seconds" -%}

with action_types as (
    select * from {{ ref('action_types') }}
),

told as (
    select
        evidence.*,
        action_types.happens_once,
        evidence.observed_to_at is null as is_exact
    from {{ ref('int_actions__evidence') }} as evidence
    inner join action_types on evidence.action_code = action_types.action_code
),

{% for vague, meant in meanings %}
    {%- set codes = "'" ~ ([vague] + meant) | join("', '") ~ "'" %}
    {{ vague | lower }}_webhooks as (
        select * from told
        where source = 'inbox' and action_code in ({{ codes }})
    ),

    {{ vague | lower }}_words as (
        select
            words.*,
            words.is_exact
            and not exists (
                select 1
                from {{ vague | lower }}_webhooks as webhooks
                where
                    webhooks.site_id = words.site_id
                    and webhooks.match_key = words.match_key
                    and webhooks.action_code = words.action_code
                    and webhooks.occurred_at >= words.occurred_at - {{ tolerance }}
                    and webhooks.occurred_at <= words.occurred_at + {{ tolerance }}
            ) as is_unanswered
        from told as words
        where words.source != 'inbox' and words.action_code in ({{ codes }})
    ),

{% endfor %}
-- An exact word on what it meant beats a window that holds both.
explained as (
    {% for vague, _ in meanings %}
        select
            webhooks.site_id,
            webhooks.source_event_id,
            webhooks.action_code,
            max(words.action_code) filter (where words.is_unanswered) as meant_code
        from {{ vague | lower }}_webhooks as webhooks
        inner join {{ vague | lower }}_words as words
            on
                webhooks.site_id = words.site_id
                and webhooks.match_key = words.match_key
                and webhooks.occurred_at
                >= coalesce(words.observed_from_at, words.occurred_at) - {{ tolerance }}
                and webhooks.occurred_at <= words.occurred_at + {{ tolerance }}
        group by webhooks.site_id, webhooks.source_event_id, webhooks.action_code
        having
            not bool_or(words.is_exact and words.action_code = webhooks.action_code)
            and (
                bool_or(words.is_unanswered)
                or (
                    webhooks.action_code = '{{ vague }}'
                    and bool_and(words.action_code != '{{ vague }}' and not words.is_exact)
                )
            )
        {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- What it meant is told by an exact word of others, and so of its own; beside a window alone it
-- adds nothing.
clear as (
    select told.* replace (coalesce(explained.meant_code, told.action_code) as action_code)
    from told
    left join explained
        on
            told.source = 'inbox'
            and told.site_id = explained.site_id
            and told.source_event_id = explained.source_event_id
            and told.action_code = explained.action_code
    where explained.source_event_id is null or explained.meant_code is not null
),

-- The log of a source has the time of the event; a webhook that of its sending.
preferred as (
    select
        *,
        row_number() over (
            partition by site_id, action_code, match_key
            order by
                is_exact desc, source = 'inbox' asc, source asc, occurred_at asc,
                {{ number_order('source_event_id') }} asc, source_event_id asc, item_key asc
        ) as preference
    from clear
),

spaced as (
    select
        *,
        case
            when
                occurred_at - lag(occurred_at) over (
                    partition by site_id, action_code, match_key order by occurred_at, preference
                ) <= {{ tolerance }}
                then 0
            else 1
        end as begins_island
    from preferred
    where is_exact and not happens_once
),

islands as (
    select
        *,
        sum(begins_island) over (
            partition by site_id, action_code, match_key order by occurred_at, preference
            rows between unbounded preceding and current row
        ) as island
    from spaced
),

exact as (
    select
        * exclude (begins_island, island),
        'exact ' || island || ' ' || row_number() over (
            partition by site_id, action_code, match_key, island, source order by occurred_at, preference
        ) as occasion
    from islands
),

occasions as (
    select
        site_id,
        action_code,
        match_key,
        occasion,
        min_by(occurred_at, preference) as occurred_at
    from exact
    group by site_id, action_code, match_key, occasion
),

windows as (
    select * from preferred
    where not is_exact and not happens_once
),

-- How many known actions a window holds, and the first of them.
held as (
    select
        windows.site_id,
        windows.action_code,
        windows.match_key,
        windows.preference,
        count(*) as occasion_count,
        min_by(occasions.occasion, (occasions.occurred_at, occasions.occasion)) as first_occasion
    from windows
    inner join occasions
        on
            windows.site_id = occasions.site_id
            and windows.action_code = occasions.action_code
            and windows.match_key = occasions.match_key
            and occasions.occurred_at >= windows.observed_from_at - {{ tolerance }}
            and occasions.occurred_at <= windows.observed_to_at + {{ tolerance }}
    group by windows.site_id, windows.action_code, windows.match_key, windows.preference
),

-- A window that holds several actions does not tell which of them changed what.
assigned as (
    select
        *,
        true as tells_content
    from exact
    union all
    select
        windows.*,
        coalesce(held.first_occasion, 'window ' || windows.preference) as occasion,
        coalesce(held.occasion_count, 1) = 1 as tells_content
    from windows
    left join held
        on
            windows.site_id = held.site_id
            and windows.action_code = held.action_code
            and windows.match_key = held.match_key
            and windows.preference = held.preference
    union all
    select
        *,
        'once' as occasion,
        true as tells_content
    from preferred
    where happens_once
),

merged as (
    select
        site_id,
        action_code,
        match_key,
        occasion,
        bool_or(happens_once) as happens_once,
        min_by(source, preference) as source,
        min_by(source_event_id, preference) as source_event_id,
        min_by(occurred_at, preference) as occurred_at,
        min(recorded_at) as recorded_at,
        case when not bool_or(is_exact) then min_by(observed_from_at, preference) end as observed_from_at,
        case when not bool_or(is_exact) then min_by(observed_to_at, preference) end as observed_to_at,
        min_by(actor_account_id, (actor_certainty != 'known', preference)) filter (
            where actor_account_id is not null
        ) as actor_account_id,
        coalesce(
            min_by(actor_certainty, (actor_certainty != 'known', preference)) filter (
                where actor_account_id is not null
            ),
            'unknown'
        ) as actor_certainty,
        min_by(target_id, preference) as target_id,
        min_by(target_label, preference) filter (
            where target_label is not null and tells_content
        ) as target_label,
        min_by(project_id, preference) filter (where project_id is not null) as project_id,
        -- What a comparison of listings shows may be more than this action changed.
        min_by(changes, (len(changes) = 0, not is_exact, -len(changes), preference)) filter (
            where tells_content
        ) as changes,
        string_agg(distinct source, ',' order by source) as sources,
        -- The first evidence names the action: what tells of it later does not rename it.
        min_by(
            source || '|' || source_event_id || '|' || item_key, (recorded_at, preference)
        ) as first_evidence
    from assigned
    group by site_id, action_code, match_key, occasion
),

final as (
    select
        {{ surrogate_key([
            'site_id', 'action_code', "case when happens_once then match_key else first_evidence end"
        ]) }} as action_id,
        site_id,
        source,
        source_event_id,
        action_code,
        match_key,
        occurred_at,
        recorded_at,
        observed_from_at,
        observed_to_at,
        actor_account_id,
        actor_certainty,
        target_id,
        target_label,
        project_id,
        {{ changes_as_text('changes', 'old') }} as old_value,
        {{ changes_as_text('changes', 'new') }} as new_value,
        cast(len(changes) as integer) as change_count,
        changes,
        sources
    from merged
)

select * from final
