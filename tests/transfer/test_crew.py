"""Workers side by side: lazy, ended by a stop, as many as have use."""

import _thread  # noqa: PLC2701 - the one way to interrupt the main thread
import threading
from functools import partial

import pytest

from glacier_magic.base.collector import uncollected
from glacier_magic.transfer.budget import Stopped
from glacier_magic.transfer.crew import Crew, Tuner
from glacier_magic.transfer.engine import Buffers

PATIENCE = 30.0
MIB = 1 << 20


@pytest.fixture
def stop():
    return threading.Event()


@pytest.fixture
def crew_of(stop):
    """Make crews; what hangs in their tasks is let go at the end."""
    made = []

    def crew_of(workers):
        made.append(Crew(Tuner(workers, workers), stop, "test-crew"))
        return made[-1]

    yield crew_of
    stop.set()
    for crew in made:
        crew.wait(PATIENCE)


def gives(value):
    return lambda: value


def test_results_come_in_the_order_in_which_they_end(crew_of):
    """One that takes long holds up nobody."""
    late = threading.Event()

    def slow():
        assert late.wait(PATIENCE)
        return "slow"

    results = crew_of(2).run([slow, gives("quick"), gives("quick too")])
    assert next(results) == "quick"
    assert next(results) == "quick too"
    late.set()
    assert list(results) == ["slow"]


def test_tasks_are_taken_only_when_a_worker_is_free(crew_of):
    """A million parts are not thought of at once."""
    taken = []

    def tasks():
        for number in range(1_000_000):
            taken.append(number)
            yield gives(number)

    results = crew_of(3).run(tasks())
    assert next(results) in range(3)
    assert len(taken) <= 4
    results.close()
    assert len(taken) <= 4


def test_no_more_run_at_once_than_the_tuner_says(crew_of):
    """Nor fewer, where there is enough to do."""
    running, most, lock = [], [], threading.Lock()
    together = threading.Barrier(4)

    def task(number):
        with lock:
            running.append(number)
            most.append(len(running))
        together.wait(PATIENCE)
        with lock:
            running.remove(number)

    list(crew_of(4).run(partial(task, n) for n in range(12)))
    assert max(most) == 4


def test_nothing_to_do_is_done_at_once(crew_of):
    """Without a thread."""
    before = threading.active_count()
    assert list(crew_of(4).run([])) == []
    assert threading.active_count() == before


def test_the_first_exception_is_raised_and_nothing_is_begun_any_more(crew_of):
    """What it is does not matter."""
    begun = []

    def tasks():
        for number in range(100):
            begun.append(number)
            yield fail if number == 2 else gives(number)

    def fail():
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(crew_of(1).run(tasks()))
    assert begun == [0, 1, 2]


def test_an_exception_of_whoever_makes_the_tasks_is_raised(crew_of):
    """A stream that cannot be read any more, say."""

    def tasks():
        yield gives(1)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(crew_of(1).run(tasks()))


def test_a_stop_ends_it_although_a_task_hangs(crew_of, stop):
    """A request that nobody answers is left behind."""
    hangs, go_on = threading.Event(), threading.Event()

    def hang():
        hangs.set()
        go_on.wait(PATIENCE)

    threading.Thread(target=lambda: hangs.wait(PATIENCE) and stop.set(), daemon=True).start()
    try:
        with pytest.raises(Stopped):
            list(crew_of(1).run([hang, gives(1)]))
        assert not go_on.is_set()
    finally:
        go_on.set()


def test_a_stop_between_two_tasks_is_no_end(crew_of, stop):
    """Whoever reads the results must not take them for all."""

    def stopper():
        stop.set()

    with pytest.raises(Stopped):
        list(crew_of(1).run([stopper, gives(1)]))


def test_ctrl_c_is_heard_although_a_task_hangs(crew_of):
    """By the thread that waits for the results."""
    go_on = threading.Event()

    def hang():
        _thread.interrupt_main()
        while not go_on.wait(5):  # Python drops an interrupt that meets a finalizer
            _thread.interrupt_main()

    try:
        # One that meets a callback of the garbage collector, such as Dask's, would fail the test, too.
        with uncollected(), pytest.raises(KeyboardInterrupt):
            list(crew_of(1).run([hang]))
    finally:
        go_on.set()


def test_its_threads_keep_no_program_alive(crew_of):
    """They are daemons, and end with the last task."""
    crew = crew_of(2)
    seen = set(crew.run([threading.current_thread] * 10))
    assert all(thread.daemon for thread in seen)
    assert len(seen) <= 2
    crew.wait(PATIENCE)
    assert not any(thread.is_alive() for thread in seen)


# The number of workers


class Line:
    """A connection that carries so many bytes a second for so many workers."""

    def __init__(self, speed_of):
        self.now, self.speed_of = 0.0, speed_of

    def carry(self, start, most, seconds):
        tuner, seen = Tuner(start, most, now=lambda: self.now), []
        for _ in range(int(seconds * 10)):
            self.now += 0.1
            tuner.moved(self.speed_of(tuner.limit) // 10)
            seen.append(tuner.limit)
        return seen


def test_more_workers_are_tried_as_long_as_they_help():
    """A long line that gives each of them a share is filled by many."""
    line = Line(lambda workers: workers * MIB)
    assert line.carry(4, 16, 60)[-1] >= 15


def test_workers_that_do_not_help_are_let_go():
    """A short line stays with about as many as it needs."""
    line = Line(lambda workers: min(workers, 5) * MIB)
    seen = line.carry(4, 16, 120)
    assert max(seen) <= 7
    assert min(seen[-300:]) >= 3


def test_the_number_stays_within_its_bounds():
    """Whatever the line does."""
    line = Line(lambda workers: MIB // workers)
    assert set(line.carry(8, 3, 100)) <= {1, 2, 3}


def test_a_service_that_asks_for_less_gets_half_the_workers():
    """Down to one."""
    tuner = Tuner(10, 16)
    seen = []
    for _ in range(5):
        tuner.slow_down()
        seen.append(tuner.limit)
    assert seen == [5, 2, 1, 1, 1]


# Memory


def test_no_more_memory_is_lent_than_the_limit(stop):
    """Who wants more waits until some is given back."""
    buffers = Buffers(4 * MIB)
    lent = [buffers.take(MIB, stop) for _ in range(4)]
    waiting = threading.Thread(target=lambda: lent.append(buffers.take(MIB, stop)), daemon=True)
    waiting.start()
    waiting.join(0.3)
    assert len(lent) == 4
    buffers.give_back(lent[0])
    waiting.join(PATIENCE)
    assert lent[4] is lent[0]


def test_a_wait_for_memory_is_ended_by_a_stop(stop):
    """Instead of being granted."""
    buffers = Buffers(MIB)
    buffers.take(MIB, stop)
    threading.Timer(0.1, stop.set).start()
    with pytest.raises(Stopped):
        buffers.take(MIB, stop)


def test_a_part_larger_than_the_limit_is_lent_alone(stop):
    """Rather than never."""
    buffers = Buffers(MIB)
    with buffers.lend(8 * MIB, stop) as memory:
        assert len(memory) == 8 * MIB


def test_memory_comes_back_when_the_block_fails(stop):
    """Else a few failures would use it up."""
    buffers = Buffers(MIB)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), buffers.lend(MIB, stop):
            raise ZeroDivisionError
