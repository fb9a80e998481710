"""The verbs' declarations: examples that can be typed, and the pages that are made from them."""

import subprocess
import sys

import pytest

from glacier_magic.commands import VERBS
from glacier_magic.notebook.words import expand, split
from tests import ROOT

EXAMPLES = [line for verb in VERBS.values() for line, _ in verb.examples]


def test_the_reference_and_the_readme_are_what_the_verbs_declare():
    """Run scripts/write_reference.py where this fails."""
    script = ROOT / "scripts" / "write_reference.py"
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
