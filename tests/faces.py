"""A face that shows nothing and keeps what it is given, and a terminal with somebody who types."""

import io
from contextlib import contextmanager

from tests.conftest import PATIENCE


class Face:
    """A face of a notebook without a page.

    :param notes: gets the notes.
    """

    program, lasting, rich = "%glacier", True, False

    def __init__(self, notes=None):
        self.notes = [] if notes is None else notes
        self.offers, self.reports, self.followed, self.names = [], [], [], {}

    def note(self, text):
        """Keep a note."""
        self.notes.append(text)

    @contextmanager
    def progress(self, label):
        """Keep the reports."""
        yield self.reports.append

    def variable(self, name):
        """Return a variable of the user's."""
        return self.names.get(name)

    def offer(self, plan):
        """Keep a plan, and return it."""
        self.offers.append(plan)
        return plan

    def wait(self, batch, timeout):
        """Keep a batch, and wait for it."""
        self.followed.append(batch)
        return batch.wait(PATIENCE if timeout is None else timeout)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self):
        """Return True."""
        return True
