"""Calls to the service that a test replaces, watches or counts."""

from contextlib import contextmanager
from functools import partial

from glacier_magic.service import Service, open_service


class Calls:
    """Replacements for operations of the service, shared by all sessions of a test.

    A replacement takes what the method takes: the service, then the arguments of the call.
    """

    def __init__(self):
        self._replaced = {}

    def service(self, connection):
        """Open the service of a connection; for ``Session(..., service=calls.service)``."""
        return Intercepted(open_service(connection), self._replaced)

    def of(self, operation):
        """Return what an operation does now: the replacement, or the method of the service."""
        return self._replaced.get(operation) or getattr(Service, operation)

    def replace(self, operation, function):
        """Let an operation do something else from now on."""
        assert hasattr(Service, operation)
        self._replaced[operation] = function

    def restore(self, operation):
        """Let an operation do again what the service does."""
        del self._replaced[operation]

    @contextmanager
    def replaced(self, operation, function):
        """Let an operation do something else while the block runs."""
        before = self.of(operation)
        self.replace(operation, function)
        yield
        self.replace(operation, before)

    def noted(self, operation, position):
        """Return a list that gets one argument of each call of an operation, by its position."""
        found = []
        self.watch(operation, lambda *arguments: found.append(arguments[position]))
        return found

    def watch(self, operation, note):
        """Call ``note(arguments)`` before each call of an operation, without the service."""
        before = self.of(operation)

        def watched(service, *arguments):
            note(*arguments)
            return before(service, *arguments)

        self.replace(operation, watched)


class Intercepted:
    """A service some of whose operations are replaced."""

    def __init__(self, service, replaced):
        self._service, self._replaced = service, replaced

    def __getattr__(self, name):
        function = self._replaced.get(name)
        return getattr(self._service, name) if function is None else partial(function, self._service)
