"""User settings, from a face's configuration or the environment.

An option on the line takes precedence over the face (``%config GlacierMagics.tier = 'bulk'``), that
over the environment (``GLACIER_MAGIC_TIER``), and that over the verb's default.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from dataclasses import dataclass

from ..errors import InputError


@dataclass(frozen=True)
class Setting:
    """A setting: its name and meaning.

    :param option: whether it is the default of all options of this name; a limit is none of them, as
        it holds for the plans of a session that no verb makes, too.
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
    Setting("vault", "the vault if none is named and none is in use", option=False),
    Setting("tier", "the tier of retrievals: standard, bulk or expedited"),
    Setting("to", "the folder that files are restored to"),
    Setting("destination", "where this computer is, for prices: here, internet, or a region's name"),
    Setting("max_cost", "the most that a plan may cost, in US dollars", option=False),
    Setting("ask_above", "US dollars that an upload may cost without a question (0.10)"),
    Setting("max_rate", "bandwidth of all transfers: 10MB/s, 500k, none"),
    Setting("description_format", "how uploads write names: fastglacier, mt2 or plain"),
    Setting("part_size", "bytes in a part of an upload: 1MiB, 2MiB, ... 4GiB"),
)
"""All settings, in the order of the help."""


def nothing(_: str) -> str:
    """Return no value: the face has no configuration."""
    return ""


class Settings:
    """The current settings.

    :param own: returns the face's value of a setting, or ``""``.
    """

    def __init__(self, own: Callable[[str], str] = nothing) -> None:
        self._own = own

    def get(self, name: str) -> str | None:
        """Return the value of a setting, or None if it is not set."""
        setting = next(s for s in SETTINGS if s.name == name)
        # A blank variable counts as unset.
        return self._own(name).strip() or os.environ.get(setting.variable, "").strip() or None

    def apply(self, parser: argparse.ArgumentParser) -> None:
        """Use the settings as defaults of a verb's options.

        :raises InputError: an option does not accept the value.
        """
        for action in parser._actions:
            setting = next((s for s in SETTINGS if s.option and s.name == action.dest), None)
            # Never for words: they choose what is acted on.
            value = self.get(setting.name) if setting and action.option_strings else None
            if setting is not None and value is not None:
                _check(setting, action, value)
                # As text: argparse parses a default as it parses a value.
                parser.set_defaults(**{action.dest: value})


def _check(setting: Setting, action: argparse.Action, value: str) -> None:
    reason = ""
    try:  # checked here: argparse would blame an option that was not typed
        read = action.type(value) if callable(action.type) else value
    except (ValueError, TypeError, argparse.ArgumentTypeError) as error:
        reason = str(error)
    else:
        # Argparse does not check a default against the choices.
        if action.choices is not None and read not in action.choices:
            reason = f"choose from {', '.join(map(str, action.choices))}"
    if reason:
        raise InputError(
            f"The setting {setting.name} cannot be {value!r}: {reason}",
            cure=f"Change %config GlacierMagics.{setting.name} or {setting.variable}.",
        )
