"""``why``: what went wrong last, in full, and nothing that should not be told."""

import json
import os
import stat

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.commands import Console, run
from glacier_magic.commands.failure import Failure
from glacier_magic.commands.grammar import Verb
from glacier_magic.errors import InputError, NotFound, Unexpected
from tests.faces import Face


def failing(error, *words):
    """A console whose only verb fails with *error*."""
    from glacier_magic.commands import VERBS

    def fail(*_):
        raise error

    console = Console(Face())
    verbs = {"v": Verb(name="v", summary="", run=fail), "why": VERBS["why"]}
    with pytest.raises(type(error) if isinstance(error, InputError) else Unexpected):
        run(console, verbs, ["v", *words])
    return console, verbs


def test_nothing_has_gone_wrong():
    """Said in words."""
    from glacier_magic.commands import VERBS

    assert run(Console(Face()), VERBS, ["why"]) == "No error is on record."


def test_it_tells_what_the_error_means_and_where_it_came_from():
    """The line, the meaning of its class, the cure and the exit code."""
    console, verbs = failing(InputError("No such thing", cure="Do this."))
    told = dict(run(console, verbs, ["why"]).facts)
    assert told["what happened"] == "InputError: No such thing"
    assert told["what to do"] == "Do this."
    assert told["command"] == "v"
    assert told["exit code"] == "2"
    assert "is not understood" in told["what it means"]
    assert "commands/dispatch.py" in told["where"]


def test_a_defect_is_one_line_and_its_place_is_kept():
    """Anything unforeseen becomes an error with a way to report it; no value is repeated."""
    console, verbs = failing(KeyError("x"))
    told = dict(run(console, verbs, ["why"]).facts)
    assert told["what happened"] == "Unexpected: KeyError: 'x'"
    assert told["exit code"] == "70"
    assert told["caused by"] == "builtins.KeyError"


def test_the_next_process_knows_it_and_nobody_else():
    """It is kept in a file of the user's own."""
    failing(InputError("No such thing"))
    told = Failure.last()
    assert told is not None
    assert "No such thing" in repr(told)
    file = data_folder() / "failure.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [p.name for p in data_folder().iterdir()] == ["failure.json"]


def test_a_secret_is_neither_kept_nor_shown():
    """Of a library's error, and in a file that an earlier version wrote."""
    token = "IQoJb3JpZ2luX2VjEXAMPLE//////////wEa"
    console, verbs = failing(ValueError(f"Invalid header value b'{token}'"))
    assert token not in repr(run(console, verbs, ["why"]))
    file = data_folder() / "failure.json"
    assert token not in file.read_text()
    file.write_text(json.dumps([["what happened", f"No: {token}"]]))
    assert repr(Failure.last()) == "what happened: No: ********"


@pytest.mark.parametrize("text", ["", "[]x", "{}", "[[1]]", "3", "[[1,2,3]]"])
def test_a_damaged_file_is_no_failure(text):
    """Whatever lies there, the verb answers."""
    data_folder().mkdir(parents=True)
    (data_folder() / "failure.json").write_text(text)
    assert Failure.last() is None or Failure.last().facts == []


def test_the_services_own_words_come_with_its_request_id(session):
    """Code, status, operation and request id: what a support case asks for."""
    from glacier_magic.commands import VERBS

    console = Console(Face())
    console._session = session
    with pytest.raises(NotFound):
        run(console, VERBS, ["use", "nosuch"])
    told = dict(run(console, VERBS, ["why"]).facts)
    assert told["the service's code"] == "ResourceNotFoundException"
    assert told["HTTP status"] == "404"
    assert told["operation"] == "DescribeVault"
    assert len(told["request id"]) > 20
    assert session.account not in repr(told)


def test_strangers_and_secrets():
    """Markup is inert, control characters are spelled out, account ids are starred."""
    arn = "arn:aws:glacier:us-east-1:123456789012:vaults/v"
    console, verbs = failing(InputError(f"<script>\x1b[2J {arn}"), "--x", "<b>")
    shown = run(console, verbs, ["why"])._repr_mimebundle_()
    assert "<script>" not in shown["text/html"]
    assert "<b>" not in shown["text/html"]
    assert "\x1b" not in shown["text/plain"]
    assert "123456789012" not in json.dumps([shown, (data_folder() / "failure.json").read_text()])


def test_a_folder_that_cannot_be_written_changes_nothing(monkeypatch, tmp_path):
    """The error is the one that happened, not one about keeping it."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GLACIER_MAGIC_HOME", os.fspath(tmp_path / "file" / "below"))
    console, verbs = failing(InputError("No such thing"))
    assert "No such thing" in repr(run(console, verbs, ["why"]))
