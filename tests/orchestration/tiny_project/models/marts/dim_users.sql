select account_id
from {{ ref('int_users__distinct') }}
