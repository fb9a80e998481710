"""The verbs' declarations: examples that can be typed, and the pages that are made from them."""

import subprocess
import sys

import pytest

from glacier_magic.commands import VERBS
from glacier_magic.commands.dispatch import overview
from glacier_magic.commands.sections import SECTIONS
from glacier_magic.notebook.words import expand, split
from tests import ROOT

EXAMPLES = [line for verb in VERBS.values() for line, _ in verb.examples]


@pytest.mark.parametrize("script", ["write_reference.py", "write_petabyte.py"])
def test_what_is_made_from_the_code_is_as_it_would_be_made(script):
    """Run the script where this fails."""
    script = ROOT / "scripts" / script
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


@pytest.mark.parametrize("line", EXAMPLES)
def test_every_example_can_be_typed(line):
    """Its words and options exist, in this spelling."""
    name, *words = expand(split(line), {})
    assert VERBS[name].parse("%glacier", words)


def test_every_verb_has_an_example():
    """But for the one without a name, which needs none."""
    assert [name for name, verb in VERBS.items() if name and not verb.examples] == []


@pytest.mark.parametrize("name", VERBS)
def test_a_help_text_begins_with_usage_and_examples_and_fits_a_terminal(name):
    """80 columns; then the sections, in the same order for every verb."""
    parser = VERBS[name].parser("glacier-magic")
    lines = parser.format_help().splitlines()
    assert [line for line in lines if len(line) > 80 or line.endswith("-")] == []
    titles = [line[:-1] for line in lines if line.endswith(":") and not line.startswith(" ")]
    order = ["Examples", "Words", "Options", *SECTIONS]
    assert [title for title in titles if title in order] == [title for title in order if title in titles]
    assert "usage" in lines[2]
    assert len(lines) < 4 or not name or lines[4] == "Examples:"


def test_the_overview_fits_a_terminal():
    """One line for a verb."""
    assert [line for line in overview("glacier-magic").splitlines() if len(line) > 80] == []
