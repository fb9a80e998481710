"""Verbs in messages: as a magic, as a command, as a call; and each of them one that exists."""

import ast
from pathlib import Path

import pytest

import glacier_magic
from glacier_magic.commands import VERBS
from glacier_magic.errors import NameNotKnown
from glacier_magic.errors.steps import CALLS, consent, option, spell_as, step

ROOT = Path(glacier_magic.__file__).parent


def named():
    """Yield the place of each call of ``step`` in the package, its verb, and its words that are known."""
    for path in sorted(ROOT.rglob("*.py")):
        text = path.read_text("utf-8")
        for node in ast.walk(ast.parse(text)) if "step(" in text else ():
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "step":
                verb, words = (
                    node.args[0],
                    "".join(
                        part.value
                        for argument in node.args[1:]
                        for part in ast.walk(argument)
                        if isinstance(part, ast.Constant) and isinstance(part.value, str)
                    ),
                )
                if isinstance(verb, ast.Constant):
                    yield f"{path.relative_to(ROOT)}:{node.lineno}", verb.value, words.split()


@pytest.mark.parametrize(("place", "verb", "words"), list(named()))
def test_every_step_is_a_verb_with_options_that_exist(place, verb, words):
    """A message never names what cannot be typed."""
    options = VERBS[verb].parser("").options
    assert [word for word in words if word.startswith("--") and word not in options] == [], place


@pytest.mark.parametrize(
    ("program", "written"),
    [
        ("%glacier", "%glacier ls shows the names; %glacier inventory refreshes them."),
        ("glacier-magic", "glacier-magic ls shows the names; glacier-magic inventory refreshes them."),
        (None, "vault.archives(...) shows the names; vault.inventory() refreshes them."),
    ],
)
def test_each_face_writes_a_verb_in_its_own_way(program, written):
    """The same error in a notebook, in a shell and in Python."""
    spell_as(program)
    assert NameNotKnown("No such name").cure == written


@pytest.mark.parametrize(
    ("verb", "words", "call"),
    [
        ("restore", "--expired", "session.restore_expired()"),
        ("restore", "... --tier bulk", "vault.restore(..., tier='bulk')"),
        ("drop", "photos --stop", "session.stop_drop('photos')"),
        ("connect", "--profile NAME --region REGION", "glacier_magic.connect(profile=..., region=...)"),
        ("connect", "--region eu-west-1", "glacier_magic.connect(region='eu-west-1')"),
        ("notify", "remove photos", "session.routing('photos').remove()"),
        ("create", "NAME", "session.create_vault(...)"),
        ("why", "", "glacier-magic why"),
        ("restore", "--help", "glacier-magic restore --help"),
        ("catalogue", "restore FILE", "glacier-magic catalogue restore FILE"),
    ],
)
def test_words_become_arguments_in_python(verb, words, call):
    """Verbs without a call are those of the shell, so that they can be found in the reference."""
    assert step(verb, words) == call


def test_options_and_consent_are_those_of_the_face():
    """A parameter in Python, an option elsewhere."""
    assert (option("tier", "bulk"), option("newest", True), option("as", "zip")) == (
        "tier='bulk'",
        "newest=True",
        "kind='zip'",
    )
    assert (option("part-size"), option("vault", "NAME")) == ("part_size", "vault=...")
    assert (consent(), consent("photos")) == ("call its .run()", "call its .run(confirm='photos')")
    spell_as("%glacier")
    assert (option("tier", "bulk"), option("newest", True), option("part-size")) == (
        "--tier bulk",
        "--newest",
        "--part-size",
    )
    assert (consent(), consent("photos")) == ("repeat with --yes", "repeat with --confirm photos")


@pytest.mark.parametrize("call", list(CALLS.values()))
def test_every_call_exists(call):
    """On a session, a vault or the package."""
    owner, _, name = call.partition("(")[0].partition(".")
    owner = {"session": glacier_magic.Session, "vault": glacier_magic.Vault}.get(owner, glacier_magic)
    assert hasattr(owner, name.partition(".")[0])
