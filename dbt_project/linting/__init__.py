"""What dbt gives its templates at run time, as far as sqlfluff's Jinja templater needs it.

sqlfluff knows ref(), source(), config() and the like by itself; every name defined here is one more
that our macros use.
"""

from types import SimpleNamespace

from jinja2 import pass_context
from jinja2.runtime import Context, Macro


@pass_context
def _dispatch(context: Context, name: str, _package: str) -> Macro:
    found: Macro = context.resolve(f"default__{name}")
    return found


adapter = SimpleNamespace(dispatch=_dispatch)
target = SimpleNamespace(database="warehouse")
flags = SimpleNamespace(FULL_REFRESH=False)
invocation_id = "invocation"
execute = False
