"""The docstrings' markup of Sphinx as Markdown, for the site: roles become code, ``::`` becomes a colon."""

import re
from typing import Any

import griffe


class Roles(griffe.Extension):
    """Rewrites each docstring before it is parsed."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        if obj.docstring:
            text = re.sub(r":(?:attr|class|func|meth|mod):`[~.]*([^`]+)`", r"`\1`", obj.docstring.value)
            obj.docstring.value = re.sub(r"::(?=\s*\n)", ":", text)
