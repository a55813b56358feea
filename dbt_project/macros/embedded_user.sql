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
