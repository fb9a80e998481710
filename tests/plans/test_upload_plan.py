"""What an upload costs: the requests that its plan shows are those that the emulator receives."""

from decimal import Decimal
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest

from glacier_magic.base.paths import data_folder
from glacier_magic.errors import NotReady, OverBudget, PlanChanged, PriceUnknown
from glacier_magic.notebook.card import PlanCard
from glacier_magic.plans.upload_plan import ASK_REQUESTS
from tests.counting import counting_uploads

MIB = 1 << 20


@pytest.fixture
def prices():
    """A price of one dollar for a request, and of 1,024 dollars for a GB-month."""
    file = data_folder() / "prices.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("[all]\nupload-requests = 1000\nstorage = 1024\n")


@pytest.fixture
def paid(emulator):
    """Count the upload requests that reach the emulator during a block."""
    return partial(counting_uploads, emulator)


@pytest.fixture
def folder(files):
    """Twelve small files, and one of five parts."""
    for number in range(12):
        files(f"mail/{number}.eml", b"%d" % number)
    files("mail/large.mbox", 4 * MIB + 1)
    return "mail"


SMALL, LARGE = 12, 5 + 2


@pytest.mark.usefixtures("prices", "small_parts")
def test_the_requests_shown_are_those_sent(vault, folder, paid):
    """One a small file; start, parts and completion of a large one; none of what is stored already."""
    plan = vault.upload_plan([folder], recursive=True)
    assert plan.requests == SMALL + LARGE
    assert plan.quote.total == SMALL + LARGE
    assert plan.month.total == Decimal(plan.bytes + 13 * (32 << 10)) / MIB
    with paid() as count:
        plan.run()
        assert count() == SMALL + LARGE
        again = vault.upload_plan([folder], recursive=True)
        assert (again.requests, again.empty, again.quote.total) == (0, True, 0)
        renamed = vault.upload_plan([Path(folder).absolute()], recursive=True, root=Path(folder).absolute())
        assert dict(renamed.facts)["sent again"] == "13 files stored already under other names"
        assert "sent again" not in dict(plan.facts)
        again.run()
        assert count() == SMALL + LARGE
        twice = vault.upload_plan([folder], recursive=True, again=True)
        assert twice.requests == SMALL + LARGE
        twice.run()
        assert count() == 2 * (SMALL + LARGE)


@pytest.mark.parametrize(("name", "requests"), [("mail/*.eml", SMALL), ("mail/large.mbox", LARGE)])
@pytest.mark.usefixtures("prices", "small_parts")
def test_small_and_large_files_alone(vault, folder, paid, name, requests):
    """Each kind by itself."""
    plan = vault.upload_plan([name])
    with paid() as count:
        plan.run()
        assert count() == plan.requests == requests


@pytest.mark.usefixtures("prices", "small_parts", "one_at_a_time", "quick")
def test_a_resumed_upload_costs_what_is_left(vault, folder, paid, calls):
    """The service lists the parts that it has, at no cost."""
    original, sent = calls.of("upload_part"), []

    def broken(*arguments):
        if len(sent) == 2:
            raise KeyboardInterrupt
        sent.append(original(*arguments))
        return sent[-1]

    calls.replace("upload_part", broken)
    with pytest.raises(KeyboardInterrupt):
        vault.upload(f"{folder}/large.mbox")
    calls.replace("upload_part", original)
    plan = vault.upload_plan([f"{folder}/large.mbox"])
    assert plan.requests == 3 + 1
    with paid() as count:
        plan.run()
        assert count() == plan.requests


@pytest.mark.usefixtures("prices", "small_parts")
def test_over_the_limit_nothing_is_sent(vault, folder, paid):
    """From Python, with one file or many."""
    with paid() as count:
        with pytest.raises(OverBudget):
            vault.upload_all([folder], recursive=True, max_cost="18.99")
        with pytest.raises(OverBudget):
            vault.upload(f"{folder}/large.mbox", max_cost=6)
        assert count() == 0
        assert len(vault.upload_all([folder], recursive=True, max_cost=19)) == 13
        assert count() == SMALL + LARGE


def test_an_unknown_price_keeps_no_limit(vault, folder, paid):
    """No price list has this region."""
    with paid() as count:
        with pytest.raises(PriceUnknown):
            vault.upload_all([folder], recursive=True, max_cost=5)
        assert count() == 0


def test_many_files_of_unknown_price_are_asked_for(vault, files):
    """By their number."""
    for number in range(ASK_REQUESTS + 1):
        files(f"mail/{number}.eml", b"x")
    plan = vault.upload_plan(["mail"], recursive=True)
    assert plan.must_ask()
    assert not vault.upload_plan(["mail/1*.eml"]).must_ask()


@pytest.mark.usefixtures("prices")
def test_a_plan_that_became_dearer_is_not_run(vault, files, paid):
    """What was stored when it was shown has been deleted since; the second run is of the new price."""
    for name in ("a", "b", "c"):
        files(name, name.encode())
    vault.upload_all(["a", "b"])
    plan = vault.upload_plan(["a", "b", "c"])
    assert plan.requests == 1
    vault.delete("a", "b").run("photos")
    with paid() as count:
        with pytest.raises(PlanChanged):
            plan.run()
        assert count() == 0
        assert plan.requests == 3
        plan.run()
        assert count() == 3


@pytest.mark.usefixtures("prices", "small_parts", "one_at_a_time")
def test_a_plan_can_be_stopped_and_run_again(vault, folder, calls):
    """By the button of its card, for one; nothing is sent twice."""
    plan = vault.upload_plan([folder], recursive=True)
    original, sent = calls.of("upload_archive"), []

    def stopping(*arguments):
        sent.append(arguments)
        if len(sent) == 4:
            plan.stop()
        return original(*arguments)

    calls.replace("upload_archive", stopping)
    with pytest.raises(NotReady):
        plan.run()
    done = len(vault.archives())
    assert 0 < done < 13
    plan.run()
    assert len(vault.archives()) == 13


@pytest.mark.usefixtures("prices", "small_parts")
def test_a_card_has_the_price_and_a_button(vault, folder, paid, until):
    """Nothing is sent before the click."""
    with paid() as count:
        card = PlanCard(vault.upload_plan([folder], recursive=True))
        assert "$19.00" in card._text.value
        assert count() == 0
        card._start.click()
        until(lambda: "Done" in card._status.value)
        assert count() == SMALL + LARGE


@pytest.mark.usefixtures("prices", "small_parts")
def test_the_queue_of_the_panel_says_its_price_and_keeps_a_limit(vault, folder, paid):
    """Before the click; after it, what is left."""
    desk = vault.desk()
    desk.add([folder], recursive=True)
    assert "19 upload requests: $19.00" in desk.summary()
    desk.limit_to(Decimal(18))
    with paid() as count:
        with pytest.raises(OverBudget):
            desk.start()
        assert (count(), desk.state) == (0, "idle")
        desk.limit_to(Decimal(19))
        desk.start()
        assert desk.wait(30)
        assert count() == 19
    assert desk.price == ""


@pytest.mark.usefixtures("prices", "small_parts")
def test_the_limit_of_a_queue_holds_for_all_that_it_sends(vault, files, paid):
    """Files and content together, in several starts; what was not sent counts again later."""
    desk = vault.desk()
    desk.limit_to(Decimal(8))
    with paid() as count:
        for name in ("a", "b"):
            desk.add([str(files(name, name.encode()))])
            desk.start()
            assert desk.wait(30)
        desk.send_content("c", b"content")  # a start, a part and a completion
        assert count() == 2 + 3
        desk.add([str(files("large", 4 * MIB + 1))])
        with pytest.raises(OverBudget, match=r"\$12\.00, over the limit of \$8\.00"):
            desk.start()
        desk.send_content("d", b"content")
        with pytest.raises(OverBudget):
            desk.send_content("e", b"content")
        assert count() == 8
        desk.limit_to(Decimal(7))  # from now on
        desk.start()
        assert desk.wait(30)
        assert count() == 8 + LARGE


@pytest.mark.usefixtures("prices", "small_parts", "one_at_a_time")
def test_a_pause_does_not_use_up_the_limit(vault, folder, calls, paid):
    """Each request counts once, before the pause or after it."""
    desk = vault.desk()
    desk.add([folder], recursive=True)
    desk.limit_to(Decimal(SMALL + LARGE))
    original, sent = calls.of("upload_archive"), []

    def pausing(*arguments):
        answer = original(*arguments)  # a request that the pause cuts off would be sent again
        sent.append(answer)
        if len(sent) == 4:
            desk.pause()
        return answer

    calls.replace("upload_archive", pausing)
    with paid() as count:
        desk.start()
        assert desk.wait(30)
        assert 0 < count() < SMALL + LARGE
        desk.start()
        assert desk.wait(30)
        assert count() == SMALL + LARGE


@pytest.mark.usefixtures("prices", "small_parts")
def test_a_stream_and_the_content_of_a_queue_keep_to_the_limit_of_the_session(vault, paid, monkeypatch):
    """The length of a stream is not known, so that the longest one counts: 10,002 requests."""
    monkeypatch.setenv("GLACIER_MAGIC_MAX_COST", "2")
    with paid() as count:
        with pytest.raises(OverBudget, match=r"not known.*10,002 requests"):
            vault.upload_stream(BytesIO(b"content"), "a")
        with pytest.raises(OverBudget):
            vault.desk().send_content("a", b"content")
        assert count() == 0
        vault.upload_stream(BytesIO(b"content"), "a", max_cost=10_002)
        assert count() == 3
