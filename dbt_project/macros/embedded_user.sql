{#- People as Jira embeds them in issues, histories, comments and worklogs. -#}

{%- macro embedded_user_shape() -%}
    {{ return({
        'accountId': 'varchar',
        'displayName': 'varchar',
        'emailAddress': 'varchar',
        'accountType': 'varchar',
        'active': 'boolean',
        'avatarUrls': {'48x48': 'varchar'},
    }) }}
{%- endmacro -%}

{#- The embedded user as a structure of our names; null when there is none. -#}
{%- macro embedded_user(expression) -%}
    case
        when {{ expression }}.accountId is not null then struct_pack(
            account_id := {{ expression }}.accountId,
            display_name := {{ expression }}.displayName,
            email_address := {{ expression }}.emailAddress,
            account_type := {{ expression }}.accountType,
            avatar_url := {{ expression }}.avatarUrls['48x48'],
            is_active := {{ expression }}.active
        )
    end
{%- endmacro -%}

{#- A person of whom a source tells little, in the same structure. -#}
{%- macro person_of(account_id, display_name, email_address='null') -%}
    struct_pack(
        account_id := {{ account_id }},
        display_name := {{ display_name }},
        email_address := cast({{ email_address }} as varchar),
        account_type := cast(null as varchar),
        avatar_url := cast(null as varchar),
        is_active := cast(null as boolean)
    )
{%- endmacro -%}
