-- Of the issues that this build may have changed: every text that names a secured one, by its id or any of
-- its keys, is withheld for it. And no text is withheld for an issue that is not secured.
with affected as (
    select
        site_id,
        issue_id,
        is_secured
    from {{ ref('dim_issues') }}
    where {{ may_have_changed('issue_id', ref('int_issues__affected')) }}
),

names as (
    select
        site_id,
        issue_id,
        issue_id as named_issue
    from affected
    where is_secured
    union
    select
        affected.site_id,
        affected.issue_id,
        issue_keys.issue_key as named_issue
    from affected
    inner join {{ ref('bridge_issue_keys') }} as issue_keys
        on affected.site_id = issue_keys.site_id and affected.issue_id = issue_keys.issue_id
    where affected.is_secured
),

withheld as (
    select * from {{ ref('bridge_withheld_texts') }}
)

select
    'shown' as problem,
    texts.text_id,
    names.issue_id
from {{ ref('bridge_named_issues') }} as texts
inner join names on texts.site_id = names.site_id and texts.named_issue = names.named_issue
left join withheld
    on
        texts.text_id = withheld.text_id
        and texts.part = withheld.part
        and names.issue_id = withheld.hidden_issue_id
where texts.issue_id is distinct from names.issue_id and withheld.text_id is null
union all
select
    'withheld' as problem,
    withheld.text_id,
    affected.issue_id
from withheld
inner join affected
    on withheld.site_id = affected.site_id and withheld.hidden_issue_id = affected.issue_id
where affected.is_secured is false
