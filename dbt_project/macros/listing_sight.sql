{#- What of a list can be seen at all. A board is not listed to an account that may not browse its
    project, a sprint not to one that does not see its board: what goes out of sight with its container
    is not gone, and what comes into sight with it is not new. -#}

{#- Times in which containers were in sight: one row per `key` and time, with `since_at`, from when on
    (null: whenever we looked), and `looked_at`, when the last complete listing that still showed it so
    began. `relation` is one that `listing_changes` gave, of a list called `list_name` in `sweeps`;
    `is_seen` says when a version of a container shows what is in it. -#}
{%- macro containers_in_sight(relation, key, is_seen, sweeps, list_name) -%}
    select
        versions.site_id,
        versions.{{ key }},
        case when versions.times_unseen > 0 then min(versions.observed_to_at) end as since_at,
        coalesce(min(versions.unseen_after_at), any_value(looks.looked_at)) as looked_at
    from (
        select
            *,
            count(*) filter (where not is_seen) over in_order as times_unseen,
            min(case when not is_seen then begins_at end) over (
                in_order rows between 1 following and unbounded following
            ) as unseen_after_at
        from (
            select
                *,
                {{ is_seen }} as is_seen
            from {{ relation }}
        ) as judged
        window in_order as (
            partition by site_id, {{ key }} order by observed_to_at, split_part(version, '.', -1)
        )
    ) as versions
    inner join (
        select
            site_id,
            max(started_at) as looked_at
        from {{ sweeps }}
        where is_complete and list_name = {{ list_name }}
        group by site_id
    ) as looks on versions.site_id = looks.site_id
    where versions.is_seen
    group by versions.site_id, versions.{{ key }}, versions.times_unseen
{%- endmacro -%}

{#- Of versions that say that something vanished, those that prove it: while its container, `container` of
    the version before, was in sight (`in_sight`: what the macro above gives), a complete listing lacked
    the thing. What becomes of the container later takes nothing back. One row per version: with the
    listing that proved it (`proved_at`, its end, and `proved_fetched_at`). What has no container is proved
    by its own listing. The containers must have been looked at before the proof began and after it ended; a
    second is allowed for, because the site tells its time in whole ones. -#}
{%- macro proved_to_be_gone(relation, key, container, in_sight, container_key, sweeps, list_name) -%}
    select
        missing.site_id,
        missing.{{ key }},
        missing.version,
        min(proofs.finished_at) as proved_at,
        min_by(proofs.fetched_at, proofs.finished_at) as proved_fetched_at
    from (
        select
            site_id,
            {{ key }},
            version,
            observed_to_at,
            {{ container }} as container_id
        from {{ relation }}
        where change = 'vanished'
    ) as missing
    left join {{ in_sight }} as in_sight
        on missing.site_id = in_sight.site_id and missing.container_id = in_sight.{{ container_key }}
    inner join {{ sweeps }} as proofs
        on
            missing.site_id = proofs.site_id
            and proofs.list_name = {{ list_name }}
            and proofs.is_complete
            and missing.observed_to_at <= proofs.finished_at
            and (in_sight.since_at is null or in_sight.since_at <= proofs.started_at + interval 1 second)
            and (
                missing.container_id is null
                or proofs.finished_at <= in_sight.looked_at + interval 1 second
            )
    group by missing.site_id, missing.{{ key }}, missing.version
{%- endmacro -%}

{#- Whether something that is listed for the first time has a higher id than all that were listed before:
    ids are given in order, so with a lower one it has been there all the time. Null where nothing was
    listed before. -#}
{%- macro is_newest(key) -%}
    {{ number_order(key) }} > max({{ number_order(key) }}) over (
        partition by site_id order by observed_to_at
        range between unbounded preceding and interval 1 microsecond preceding
    )
{%- endmacro -%}

{#- Whether the window of a change shares a moment with a time in which the account lacked a right, or may
    have: what is told once must not be taken back when it turns out to. -#}
{%- macro overlaps(change, lacking) -%}
    {{ lacking }}.site_id = {{ change }}.site_id
                and {{ lacking }}.lacking_from_at < {{ change }}.observed_to_at
                and coalesce({{ lacking }}.lacking_to_at > {{ change }}.observed_from_at, true)
{%- endmacro -%}
