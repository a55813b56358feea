{{ config(
    materialized='incremental',
    incremental_strategy='replace_changed',
    unique_key=['site_id', 'issue_id', 'attachment_id'],
    affected='int_issues__affected',
    pre_hook="{{ require_all_issues() }}",
    post_hook="{{ mark_builds_processed('select build_id from ' ~ ref('int_builds__pending')) }}",
) }}

-- depends_on: {{ ref('int_builds__pending') }}
-- depends_on: {{ ref('int_issues__affected') }}
with issues as (
    select * from {{ ref('int_issues__latest') }}
),

attachments as (
    select
        site_id,
        issue_id,
        {{ each('attachments') }} as attachment
    from issues
),

final as (
    select
        site_id,
        issue_id,
        attachment.attachment_id,
        attachment.file_name,
        attachment.created_at,
        attachment.author.account_id as author_account_id
    from attachments
    where attachment.attachment_id is not null
    qualify row_number() over (
        partition by site_id, issue_id, attachment.attachment_id
        order by attachment.created_at, attachment.file_name
    ) = 1
)

select * from final
