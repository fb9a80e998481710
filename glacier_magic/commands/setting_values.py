"""What a user sets once instead of typing it: from a face's own configuration or the environment.

An option on the line counts most, then the face (``%config GlacierMagics.tier = 'bulk'``), then the
environment (``GLACIER_MAGIC_TIER``), then what the verb does by itself.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class Setting:
    """Something to set: its name, and what it means.

    :param option: whether it stands for the option of that name wherever a verb has it.
    """

    name: str
    help: str
    option: bool = True

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"GLACIER_MAGIC_{self.name.upper()}"


SETTINGS = (
    Setting("profile", "the profile of your AWS configuration to connect with", option=False),
    Setting("region", "the region to connect to", option=False),
    Setting("endpoint_url", "another address of the service", option=False),
    Setting("vault", "the vault where none is named and none is in use", option=False),
    Setting("tier", "the tier of retrievals: standard, bulk or expedited"),
    Setting("to", "the folder that files are restored to"),
    Setting("destination", "where this machine is, for prices: here, region or internet"),
    Setting("max_cost", "US dollars that a plan may cost; above it is refused"),
    Setting("max_rate", "bandwidth of all transfers: 10MB/s, 500k, none"),
    Setting("description_format", "how uploads write names: fastglacier, mt2 or plain"),
    Setting("part_size", "bytes in a part of an upload: 1MiB, 2MiB, ... 4GiB"),
)
"""All settings, in the order in which help lists them."""


def nothing(_: str) -> str:
    """Stand for a face that has no configuration of its own."""
    return ""


class Settings:
    """The settings as they are now.

    :param own: gives the face's own value of a name; empty where it has none.
    """

    def __init__(self, own: Callable[[str], str] = nothing) -> None:
        self._own = own

    def get(self, name: str) -> str | None:
        """Return the value of a setting, or None where nobody has set it."""
        setting = next(s for s in SETTINGS if s.name == name)
        return self._own(name).strip() or os.environ.get(setting.variable, "").strip() or None

    def apply(self, parser: argparse.ArgumentParser) -> None:
        """Make what is set the defaults of a verb's options.

        :raises InputError: a value is not one that the option takes.
        """
        for action in parser._actions:
            setting = next((s for s in SETTINGS if s.option and s.name == action.dest), None)
            value = self.get(setting.name) if setting and action.option_strings else None
            if setting is not None and value is not None:
                _check(setting, action, value)
                parser.set_defaults(**{action.dest: value})


def _check(setting: Setting, action: argparse.Action, value: str) -> None:
    reason = ""
    if action.choices is not None and value not in action.choices:
        reason = f"choose from {', '.join(map(str, action.choices))}"
    elif callable(action.type):
        try:
            action.type(value)
        except (ValueError, TypeError, argparse.ArgumentTypeError) as error:
            reason = str(error)
    if reason:
        raise InputError(
            f"The setting {setting.name} cannot be {value!r}: {reason}",
            cure=f"Change %config GlacierMagics.{setting.name} or {setting.variable}.",
        )
