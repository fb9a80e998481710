"""What is set once: by a face, by the environment; an option on the line counts most."""

import argparse

import pytest

from glacier_magic.commands import VERBS, Console, run
from glacier_magic.commands.grammar import Verb
from glacier_magic.commands.setting_values import SETTINGS, Settings
from glacier_magic.errors import InputError
from tests.faces import Face


@pytest.fixture
def told():
    """A verb with the options that can be set, and what it was told."""
    seen = []

    def configure(parser):
        parser.add_argument("to")
        parser.add_argument("--tier", choices=("standard", "bulk"), default="standard")
        parser.add_argument("--max-rate", type=int, default=argparse.SUPPRESS)

    verb = Verb(name="v", summary="", run=lambda _, args: seen.append(vars(args)), configure=configure)

    def ask(own, *words):
        console = Console(Face(), Settings(lambda name: own.get(name, "")))
        returned = run(console, {"v": verb}, ["v", "somewhere", *words])
        return {k: v for k, v in seen[-1].items() if k not in ("help", "typed")} if seen else returned

    return ask


def test_the_line_then_the_face_then_the_environment(told, monkeypatch):
    """Each is looked at only where the one before says nothing."""
    assert told({}) == {"to": "somewhere", "tier": "standard"}
    monkeypatch.setenv("GLACIER_MAGIC_TIER", "bulk")
    monkeypatch.setenv("GLACIER_MAGIC_MAX_RATE", " 7 ")
    assert told({}) == {"to": "somewhere", "tier": "bulk", "max_rate": 7}
    assert told({"tier": "standard"})["tier"] == "standard"
    assert told({"tier": "standard"}, "--tier", "bulk")["tier"] == "bulk"


def test_words_that_must_be_given_are_never_set(told):
    """A setting stands for an option, not for what a verb is about."""
    assert told({"to": "elsewhere"})["to"] == "somewhere"


@pytest.mark.parametrize(
    ("own", "said"), [({"tier": "quick"}, "standard, bulk"), ({"max_rate": "x"}, "max_rate")]
)
def test_a_bad_setting_is_named_with_both_places(told, own, said):
    """It is not the line that is wrong."""
    with pytest.raises(InputError, match=said) as caught:
        told(own)
    name = next(iter(own))
    assert f"GlacierMagics.{name}" in caught.value.cure
    assert f"GLACIER_MAGIC_{name.upper()}" in caught.value.cure


def test_help_is_given_whatever_is_set(told):
    """A bad setting must not hide how to mend it."""
    assert "--tier" in repr(told({"tier": "quick"}, "--help"))


def test_each_setting_stands_for_an_option_of_some_verb():
    """None is left over from an option that was renamed."""
    options = {a.dest for verb in VERBS.values() for a in verb.parser("")._actions}
    assert not [s.name for s in SETTINGS if s.name not in options]


def test_connecting_by_itself_uses_what_is_set(emulator, region, monkeypatch):
    """Region and address need no connect where they are set; they count more than last time's."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "emulator")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "emulator")
    monkeypatch.setenv("GLACIER_MAGIC_ENDPOINT_URL", emulator.url)
    Console(Face()).connect(emulator=emulator.folder, region="us-west-2")
    console = Console(Face(), Settings(lambda name: region if name == "region" else ""))
    try:
        assert console.session.region == region
        assert console.session.connection.endpoint_url == emulator.url
    finally:
        console.close()


def test_the_vault_that_is_set_comes_after_the_one_in_use(session):
    """Naming one, then ``use``, then the setting."""
    for name in ("a", "b", "c"):
        session.create_vault(name)
    console = Console(Face(), Settings(lambda name: "c" if name == "vault" else ""))
    console._session = session
    assert console.vault(None).name == "c"
    console.use("b")
    assert console.vault(None).name == "b"
    assert console.vault("a").name == "a"
    with pytest.raises(InputError):
        console.vault("")


def test_rate_says_what_is_set_now(session, monkeypatch):
    """Without a value nothing changes; what is set once is said as well."""
    console = Console(Face(), Settings())
    console._session = session

    def rate(*words):
        return run(console, VERBS, ["rate", *words])

    assert "not limited" in rate()
    assert "at most 977 KiB/s" in rate("1MB/s")
    assert "at most 977 KiB/s" in rate()
    assert session.engine.budget.max_rate == 10**6
    assert "not limited" in rate("none")
    assert session.engine.budget.max_rate is None
    monkeypatch.setenv("GLACIER_MAGIC_MAX_RATE", "5MB/s")
    assert "use 5MB/s" in rate()
    for wrong in ("", "5", "5/s"):
        with pytest.raises(InputError):
            rate(wrong)
    with pytest.raises(InputError, match="write 5MB/s, 5kB/s or 5B/s"):
        rate("5")
    with pytest.raises(InputError, match="no unit"):
        run(console, VERBS, ["wait", "--max-rate", "5"])
