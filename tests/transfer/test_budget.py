"""One patience and one bandwidth for all transfers of a session."""

import threading

import pytest

from glacier_magic.base.session_limits import Limits
from glacier_magic.errors import (
    AccessDenied,
    CredentialsError,
    InputError,
    IntegrityError,
    LocalError,
    NotFound,
    Refused,
    ServiceClosed,
    Unavailable,
)
from glacier_magic.service.login_failures import UNREACHABLE
from glacier_magic.service.translation import from_answer
from glacier_magic.transfer import budget as module
from glacier_magic.transfer.budget import Budget, Stopped

THROTTLED = Unavailable("The service asks us to slow down", code="ThrottlingException")
EXPIRED = CredentialsError("The session token has expired", code="ExpiredTokenException")


class Clock:
    """A time that passes only where somebody waits."""

    def __init__(self):
        self.now = 1000.0

    def monotonic(self):
        return self.now


class Stop:
    """The stop event of a worker; its waits pass on the clock at once and are kept."""

    def __init__(self, clock, meanwhile=None):
        self.clock, self.meanwhile = clock, meanwhile
        self.waits = []
        self.pressed = False

    def is_set(self):
        return self.pressed

    def wait(self, seconds):
        self.waits.append(seconds)
        self.clock.now += seconds
        if self.meanwhile is not None:
            self.meanwhile()
        return self.pressed


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def budget(clock):
    return Budget(now=clock.monotonic)


@pytest.fixture
def stop(clock):
    return Stop(clock)


class Failing:
    """A call that fails with each of *errors* in turn and then returns "done"."""

    def __init__(self, *errors):
        self.errors, self.calls = list(errors), 0

    def __call__(self):
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return "done"


def always(error):
    def call():
        raise error

    return call


# Patience


def test_what_succeeds_is_returned_at_once(budget, stop):
    """Nobody waits, nobody is told anything."""
    notes = []
    assert budget.call(lambda: "done", stop, notes.append) == "done"
    assert stop.waits == notes == []
    assert not budget.holding


@pytest.mark.parametrize(
    "error",
    [
        THROTTLED,
        EXPIRED,
        CredentialsError("The service does not know this access key", code="UnrecognizedClientException"),
        CredentialsError("The SSO login is missing or has expired"),
        CredentialsError("The login needs a server", code=UNREACHABLE),
        Unavailable("The service cannot be reached: no address for this name"),
        Unavailable("The connection to the service broke: reset"),
        Unavailable("The upload arrived too slowly", code="RequestTimeoutException"),
        Unavailable("The service is unavailable", code="InternalServerError"),
    ],
)
def test_what_can_pass_by_itself_is_tried_again(budget, stop, error):
    """Also an expired session token: the chain, or the user elsewhere, renews it."""
    assert budget.call(Failing(error, error), stop) == "done"
    assert len(stop.waits) == 2


def test_a_login_that_is_waited_for_is_named_with_its_cure(budget, stop):
    """For it ends only when the user does something."""
    notes = []
    budget.call(Failing(CredentialsError("The login has expired", cure="Run it.")), stop, notes.append)
    assert notes[0].startswith("The login has expired. Run it, trying again in ")


@pytest.mark.parametrize(
    "error",
    [
        AccessDenied("no"),
        CredentialsError("The service does not accept the signature", code="InvalidSignature"),
        InputError("no"),
        LocalError("disk full"),
        NotFound("no such vault"),
        Refused("policy"),
        ServiceClosed("closed"),
        ValueError("no"),
    ],
)
def test_what_cannot_pass_is_raised_at_once(budget, stop, error):
    """Trying again would only hide it."""
    call = Failing(error)
    with pytest.raises(type(error)):
        budget.call(call, stop)
    assert call.calls == 1
    assert stop.waits == []


def test_pauses_grow_to_a_minute_and_are_jittered(budget, stop):
    """Each is between half and all of twice the one before."""
    budget.call(Failing(*[THROTTLED] * 12), stop)
    longest = [min(60.0, 0.5 * 2**n) for n in range(12)]
    for pause, most in zip(stop.waits, longest, strict=True):
        assert most / 2 <= pause <= most
    assert len({pause / most for pause, most in zip(stop.waits, longest, strict=True)}) > 6


def test_a_success_makes_the_next_pause_short_again(budget, clock):
    """The service has recovered: what was before is forgotten."""
    budget.call(Failing(*[THROTTLED] * 10), Stop(clock))
    again = Stop(clock)
    budget.call(Failing(THROTTLED), again)
    assert again.waits[0] <= Limits.first_pause


def test_one_throttled_worker_holds_up_all(budget, clock):
    """The others begin nothing until its pause is over, and are not told to be slower."""
    begun = []

    def other():
        budget.call(lambda: begun.append(clock.now), Stop(clock))

    class Holding(Stop):
        def wait(self, seconds):
            assert budget.holding
            end = clock.now + seconds
            other()
            assert begun == [pytest.approx(end)]
            return False

    assert budget.call(Failing(THROTTLED), Holding(clock)) == "done"


def test_a_wave_of_failures_counts_once(budget, clock):
    """Sixteen workers that fail in one moment make one pause, not one of an hour."""
    for _ in range(16):
        budget._back_off(THROTTLED)
    stop = Stop(clock)
    budget.call(lambda: None, stop)
    assert sum(stop.waits) <= Limits.first_pause


def test_a_day_without_a_network_overflows_nothing(budget, clock):
    """Downloads that wait for it try again every minute, thousands of times."""
    for _ in range(3000):
        clock.now += 61
        assert budget._back_off(THROTTLED).startswith("throttled, trying again in")
    stop = Stop(clock)
    budget.call(lambda: None, stop)
    assert sum(stop.waits) <= Limits.longest_pause


def test_it_is_given_up_after_a_quarter_of_an_hour_without_any_success(budget, clock, stop):
    """With the error of the last try, whose cure says that nothing is lost."""
    began = clock.now
    with pytest.raises(Unavailable, match="slow down") as caught:
        budget.call(always(THROTTLED), stop)
    assert Limits.give_up <= clock.now - began <= Limits.give_up + Limits.longest_pause
    assert "Nothing is lost" in caught.value.cure


def test_the_quarter_of_an_hour_begins_with_the_call(budget, clock, stop):
    """A session that was idle for a day is as patient as any."""
    clock.now += 86_400
    assert budget.call(Failing(*[THROTTLED] * 3), stop) == "done"


def test_as_long_as_others_succeed_nobody_gives_up(budget, clock):
    """One part that fails while the rest goes through is no dead network."""
    stop = Stop(clock, meanwhile=lambda: budget.call(lambda: None, Stop(clock)))
    began = clock.now
    assert budget.call(Failing(*[THROTTLED] * 4000), stop) == "done"
    assert clock.now - began > Limits.give_up


def test_a_damaged_part_is_moved_again_at_once(budget, stop):
    """Nobody is held up for it, and the note says which."""
    notes = []
    damaged = IntegrityError("bytes 0-1048575 arrived damaged")
    assert budget.call(Failing(damaged, damaged), stop, notes.append) == "done"
    assert stop.waits == []
    assert notes == ["bytes 0-1048575 arrived damaged; moved again"] * 2


def test_a_part_that_is_damaged_every_time_is_given_up(budget, stop):
    """After a few tries: something on the way changes it on purpose."""
    call = Failing(*[IntegrityError("arrived damaged")] * 100)
    with pytest.raises(IntegrityError):
        budget.call(call, stop)
    assert call.calls == module.DAMAGED_TRIES


def test_notes_say_what_is_wrong_and_when_it_is_tried_again(budget, stop):
    """And are taken back with the success."""
    notes = []
    budget.call(Failing(*[THROTTLED] * 5), stop, notes.append)
    *during, last = notes
    assert last == ""
    assert len(during) == 5
    for note, pause in zip(during, stop.waits, strict=True):
        assert note == f"throttled, trying again in {max(1, round(pause))} s"


def test_a_note_is_taken_back_also_where_another_worker_succeeded_first(budget, clock):
    """The success of the other one has ended the wave of failures, but says nothing of this note."""
    notes = []
    stop = Stop(clock, meanwhile=lambda: budget.call(lambda: None, Stop(clock)))
    budget.call(Failing(THROTTLED), stop, notes.append)
    assert len(notes) == 2
    assert notes[-1] == ""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (EXPIRED, "the session token has expired: renew the login, trying again in 1 s"),
        (
            Unavailable("slow", code="RequestTimeoutException"),
            "too slow for the service, trying again in 1 s",
        ),
        (
            Unavailable("The service cannot be reached: no route."),
            "The service cannot be reached: no route, trying again in 1 s",
        ),
    ],
)
def test_a_note_is_a_sentence_for_people(budget, stop, error, words):
    """No code of the service, no full stop in the middle."""
    notes = []
    budget.call(Failing(error), stop, notes.append)
    assert notes == [words, ""]


def test_a_stop_ends_the_wait(budget, clock):
    """The next try is not made."""
    stop = Stop(clock, meanwhile=lambda: setattr(stop, "pressed", True))
    call = Failing(THROTTLED, THROTTLED)
    with pytest.raises(Stopped):
        budget.call(call, stop)
    assert call.calls == 1


def test_after_a_stop_nothing_is_begun(budget, stop):
    """Not even a first try."""
    stop.pressed = True
    call = Failing()
    with pytest.raises(Stopped):
        budget.call(call, stop)
    assert call.calls == 0


def test_what_a_stop_breaks_is_a_stop_and_no_failure(budget, stop):
    """The connection that broke because of it is not reported."""

    def break_off():
        stop.pressed = True
        raise Unavailable("The connection to the service broke")

    with pytest.raises(Stopped):
        budget.call(break_off, stop)


# Bandwidth


class Mover:
    """Moves blocks through a budget for virtual seconds, and counts them."""

    def __init__(self, budget, clock, size=4 << 20):
        self.budget, self.clock, self.size = budget, clock, size
        self.moved = 0

    def work(self, seconds):
        end = self.clock.now + seconds
        stop = Stop(self.clock)
        before = self.moved
        while self.clock.now < end:
            count = self.budget.block(self.size)
            self.budget.spend(count, stop)
            self.moved += count
        return self.moved - before


@pytest.mark.parametrize("rate", [100_000, 10_000_000])
def test_the_rate_is_kept(budget, clock, rate):
    """Over a minute, to a hundredth."""
    budget.max_rate = rate
    assert Mover(budget, clock).work(60) == pytest.approx(60 * rate, rel=0.01)


def test_the_rate_is_that_of_all_together(budget, clock):
    """Two workers that take turns move no more than one."""
    budget.max_rate = 1_000_000
    one, other = Mover(budget, clock), Mover(budget, clock)
    for _ in range(60):
        one.work(0.5)
        other.work(0.5)
    assert one.moved + other.moved == pytest.approx(60 * 1_000_000, rel=0.05)
    assert one.moved == pytest.approx(other.moved, rel=0.2)


def test_the_rate_may_be_changed_while_bytes_move(budget, clock):
    """Up, down, and away."""
    mover = Mover(budget, clock)
    budget.max_rate = 100_000
    assert mover.work(10) == pytest.approx(1_000_000, rel=0.1)
    budget.max_rate = 5_000_000
    assert mover.work(10) == pytest.approx(50_000_000, rel=0.1)
    budget.max_rate = 50_000
    mover.work(10)  # what the faster rate had granted is paid back
    assert mover.work(60) == pytest.approx(3_000_000, rel=0.1)
    budget.max_rate = None
    stop = Stop(clock)
    budget.spend(1 << 40, stop)
    assert stop.waits == []


def test_a_rate_that_is_raised_is_felt_within_a_second(budget, clock):
    """A worker that waits for a slow rate does not wait to the end of it."""
    budget.max_rate = 10

    def faster():
        budget.max_rate = 10_000_000

    stop = Stop(clock, meanwhile=faster)
    budget.spend(4096, stop)
    budget.spend(4096, stop)
    assert sum(stop.waits) < 1


def test_idle_time_is_not_saved_up(budget, clock):
    """An hour without transfers does not buy a burst."""
    budget.max_rate = 1_000_000
    clock.now += 3600
    assert Mover(budget, clock).work(10) == pytest.approx(10_000_000, rel=0.1)


def test_blocks_are_small_at_a_low_rate(budget):
    """So that it is even within a second, and a stop is heard soon."""
    assert budget.block(1 << 20) == 1 << 20
    budget.max_rate = 80_000
    assert budget.block(1 << 20) == 10_000
    assert budget.block(100) == 4096 or budget.block(100) == 100
    budget.max_rate = 1
    assert budget.block(1 << 20) == 4096


def test_a_stop_ends_the_wait_for_bandwidth(budget, clock):
    """At a rate at which the next block takes minutes."""
    budget.max_rate = 10
    stop = Stop(clock, meanwhile=lambda: setattr(stop, "pressed", True))
    with pytest.raises(Stopped):
        budget.spend(4096, stop)
    assert sum(stop.waits) < 1


def test_a_wrong_clock_is_told_and_waited_for():
    """The clock may be set meanwhile: the next try then succeeds."""
    told = "Signature expired: 20261123T170000Z is now earlier than 20261123T171500Z"
    answer = {"Error": {"Code": "InvalidSignatureException", "Message": told}}
    tries, notes = [], []

    def call():
        tries.append(1)
        if len(tries) == 1:
            raise from_answer(answer)
        return "done"

    assert Budget(limits=Limits(first_pause=0.001)).call(call, threading.Event(), notes.append) == "done"
    assert "clock is wrong" in notes[0]
