"""The pandas type of the texts of inventories and catalogues."""

from __future__ import annotations

from typing import Any


def text_type() -> Any:
    """Return pandas' text type over Arrow: ``str``, or its equivalent before pandas 3."""
    import pandas as pd

    if int(pd.__version__.partition(".")[0]) < 3:
        return pd.StringDtype("pyarrow")
    return pd.StringDtype("pyarrow", na_value=float("nan"))
