"""The widgets without a browser: buttons, records, threads."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import glacier_magic as gm
from glacier_magic.base.rendering import Rendered
from glacier_magic.base.session_limits import Limits
from glacier_magic.client.connect import connection_for
from glacier_magic.notebook.card import PlanCard
from glacier_magic.notebook.job_board import JobBoard
from glacier_magic.notebook.restore_form import RestoreForm
from glacier_magic.watch.consent import consent, offer
from tests.finishing import finish
from tests.intercepting import Calls


class FakePlace:
    """Keeps what a record would show."""

    def __init__(self) -> None:
        self.shown: list[str] = []

    def put(self, content: Rendered) -> None:
        self.shown.append(repr(content))


@pytest.fixture
def vault(emulated: Path, tmp_path: Path, limits: Limits, calls: Calls) -> Iterator[gm.Vault]:
    connection = connection_for(emulator=emulated)
    with gm.Session(connection, limits=limits, service=calls.service) as session:
        vault = session.create_vault("box")
        for name in ("one.bin", "two.bin"):
            (tmp_path / name).write_bytes(name.encode() * 100)
            vault.upload(tmp_path / name)
        yield vault


def wait_for(card: PlanCard, place: FakePlace) -> None:
    """Wait for the thread that a click started."""
    finish("glacier-widget")


def placed(plan: Any) -> tuple[PlanCard, FakePlace]:
    card, place = PlanCard(plan), FakePlace()
    card._place = place  # type: ignore[assignment]
    return card, place


def test_start_asks_once_and_the_card_becomes_the_board(vault: gm.Vault, tmp_path: Path) -> None:
    """A click runs the plan in the background; a second click does nothing more."""
    plan = vault.restore("one.bin", to=tmp_path / "back")
    card, place = placed(plan)
    card._start.click()
    card._start.click()
    wait_for(card, place)
    assert isinstance(card.children[0], JobBoard)
    assert len(list(vault.session.service.jobs("box"))) == 1
    assert plan.result is not None
    plan.result.wait(timeout=60)
    board = card.children[0]
    board.report(force=True)
    assert "1 verified" in board._table.totals["words"]
    assert "1 verified" in place.shown[-1]
    board.close()


def test_a_plan_with_nothing_to_do_cannot_be_started(vault: gm.Vault, tmp_path: Path) -> None:
    """The button is disabled and the card says why."""
    vault.restore("one.bin", to=tmp_path / "back").run().wait(timeout=60)
    card = PlanCard(vault.restore("one.bin", to=tmp_path / "back"))
    assert card._start.disabled
    assert "nothing to do" in card._status.value


def test_deleting_asks_twice(vault: gm.Vault) -> None:
    """Delete shows Yes and No; No changes nothing, Yes deletes."""
    plan = vault.delete("two.bin")
    card, place = placed(plan)
    card._start.click()
    assert [b.description for b in card._buttons.children] == ["Yes, delete", "No"]
    card._no.click()
    assert plan.result is None
    card._start.click()
    card._sure.click()
    wait_for(card, place)
    assert list(vault.archives()["name"]) == ["one.bin"]
    assert "Deleted 1 archive" in place.shown[-1]


@pytest.mark.parametrize("typed", ["", "Box", "bo", "yes", "box.", "<script>"])
def test_the_button_waits_for_the_vaults_name(vault: gm.Vault, typed: str) -> None:
    """More than one archive: nothing but the whole name lets it work."""
    card, _ = placed(vault.delete("*"))
    assert card._start.disabled
    card._name.value = typed
    assert card._start.disabled
    card._run()  # what a page could send all the same
    assert card._plan.result is None
    assert len(vault.archives()) == 2
    card._name.value = "box"
    assert not card._start.disabled
    card._name.value = typed
    assert card._start.disabled


def test_a_typed_name_needs_no_second_question(vault: gm.Vault) -> None:
    """One press deletes, shows how far it is, and ends with what was done."""
    card, place = placed(vault.delete("*"))
    assert [type(child).__name__ for child in card._buttons.children] == ["Text", "Button", "HTML"]
    card._name.value = "box"
    card._start.click()
    wait_for(card, place)
    assert vault.archives().empty
    assert "Deleted 2 archives from box" in card._status.value
    assert "Deleted 2 archives from box" in place.shown[-1]
    assert card._start.disabled
    assert card._name.disabled


@pytest.mark.limits(workers=1)
def test_a_run_can_be_stopped_on_the_card(vault: gm.Vault, calls) -> None:
    """The rest stays in the queue."""
    from glacier_magic.service import Service

    card, place = placed(vault.delete("*"))
    original = calls.of("delete_archive")

    def delete(self: Service, name: str, archive_id: str) -> None:
        assert card._end in card._buttons.children
        card._end.click()
        original(self, name, archive_id)

    calls.replace("delete_archive", delete)
    card._name.value = "box"
    card._start.click()
    wait_for(card, place)
    assert "not tried yet" in card._status.value
    assert len(vault.session.catalogue.deletions.unfinished()) == 1


def test_what_failed_is_escaped_on_the_card(vault: gm.Vault, calls) -> None:
    """Names and messages are strangers' words."""
    from glacier_magic.errors import Refused
    from glacier_magic.service import Service

    original = calls.of("delete_archive")
    tries: list[str] = []

    def delete(self: Service, name: str, archive_id: str) -> None:
        tries.append(archive_id)
        if len(tries) == 1:
            raise Refused("<img src=x onerror=alert(1)>")
        original(self, name, archive_id)

    calls.replace("delete_archive", delete)
    card, place = placed(vault.delete("*"))
    card._name.value = "box"
    card._start.click()
    wait_for(card, place)
    assert "1 could not be deleted" in card._status.value
    assert "<img" not in card._status.value


def test_what_cannot_be_undone_takes_the_name_typed(vault: gm.Vault) -> None:
    """The button works only once it is there; then the lock is for ever."""
    statement = {"Effect": "Deny", "Principal": "*", "Action": "glacier:DeleteVault"}
    vault.lock().initiate(json.dumps({"Statement": statement})).run()
    card, place = placed(vault.lock().complete())
    for wrong in ("", "Box", "boxes"):
        card._name.value = wrong
        assert card._start.disabled
        card._start.click()
        wait_for(card, place)
        assert vault.lock().state == "InProgress"
    card._name.value = "box"
    card._start.click()
    wait_for(card, place)
    assert vault.lock().state == "Locked"
    assert "Done" in place.shown[-1]


def test_a_refusal_is_words_on_the_card(vault: gm.Vault) -> None:
    """An error of the service shows on the card, and the button can be pressed again."""
    card, place = placed(vault.session.drop_vault("box"))
    card._start.click()
    card._sure.click()
    wait_for(card, place)
    assert "VaultNotEmpty" in card._status.value
    assert not card._start.disabled


def test_a_plan_that_has_changed_is_shown_anew_before_it_is_run(vault: gm.Vault, tmp_path: Path) -> None:
    """The card has the sentence and the new state; a second click runs that."""
    plan = vault.restore("one.bin", to=tmp_path / "back")
    plan._archives = vault.restore("*", to=tmp_path / "back")._archives
    card, place = placed(plan)
    card._start.click()
    wait_for(card, place)
    assert "it would now cost" in card._status.value
    assert "two.bin" in card._details.value
    assert "two.bin" in place.shown[-1]
    assert "would now cost" in place.shown[-1]
    assert not card._start.disabled
    card._start.click()
    wait_for(card, place)
    assert isinstance(card.children[0], JobBoard)
    card.children[0].close()


def test_a_widget_says_in_words_what_it_is(vault: gm.Vault, tmp_path: Path) -> None:
    """Where no widget can show, its bundle has a sentence as text and as HTML."""
    for widget in (PlanCard(vault.restore("one.bin", to=tmp_path)), JobBoard(vault.session.jobs())):
        bundle = widget._repr_mimebundle_()
        data = bundle[0] if isinstance(bundle, tuple) else bundle
        assert "live notebook" in data["text/plain"]
        assert "live notebook" in data["text/html"]
        widget.close()


def test_the_server_goes_on_where_one_offers_it(vault: gm.Vault, tmp_path: Path) -> None:
    """A box on the plan and on the board, remembered by a click and taken back by another."""
    plan = vault.restore("one.bin", to=tmp_path / "back")
    assert boxes(RestoreForm(plan)) == []
    offer()
    board = JobBoard(vault.session.jobs())
    [box], [other] = boxes(RestoreForm(plan)), boxes(board)
    assert (box.value, other.value) == (False, False)
    box.value = True
    assert consent()
    board.report(force=True)
    assert other.value
    box.value = False
    assert not consent()


def boxes(widget: Any) -> list[Any]:
    """Return the boxes for that in a widget."""
    found = [child for each in getattr(widget, "children", ()) for child in boxes(each)]
    return [widget, *found] if getattr(widget, "description", "").startswith("Continue when") else found
