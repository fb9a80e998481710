"""Uploading a small file in one request, which is not repeated once its body was sent.

The service stores another archive for each such request.  If its response is lost, the file is sent
in parts instead: the completion of parts can be repeated, so there are two archives at most.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from ..catalogue import Upload
from ..errors import GlacierError, IntegrityError, Unavailable
from ..errors.steps import step
from ..service import HashedBody
from .crew import Tuner
from .engine import Engine, Notes, RequestPace
from .parts import stopping
from .progress import Meter


@dataclass
class OneRequest:
    """The request that stores one file.

    :param upload: its record, which was written before.
    """

    engine: Engine
    upload: Upload
    meter: Meter
    tuner: Tuner
    stop: threading.Event
    in_doubt: bool = field(default=False, init=False)
    """Whether the service may have stored the file without a response."""

    def send(self, body: HashedBody) -> str:
        """Send *body*; return the archive id.

        It is sent again only after errors before its last byte was sent.

        :raises IntegrityError: the service received other bytes.
        """
        notes = Notes(self.meter, self.tuner)
        archive_id, received = self.engine.budget.call(
            lambda: self._attempt(body), self.stop, notes, again=lambda: not self.in_doubt
        )
        self.tuner.moved(len(body))
        # Not in budget.call(): each repetition would store another archive.
        if received != body.tree.hex():
            raise IntegrityError(
                f"The service received other bytes of {self.upload.name!r} than were sent "
                f"(archive {archive_id})",
                cure=f"{step('rm', f'id:{archive_id}')}, then upload the file again.",
            )
        return archive_id

    def _attempt(self, body: HashedBody) -> tuple[str, str]:
        pace = RequestPace(self.engine.budget, self.meter, self.stop)
        body.pace = pace
        body.seek(0)
        try:
            with stopping(self.stop, body):
                return self.engine.service.upload_archive(self.upload.vault, body, self.upload.description)
        except BaseException as error:
            pace.uncount()
            refused = isinstance(error, GlacierError) and not isinstance(error, Unavailable)
            # A throttled or failing service may have stored it, too, but not without its last byte.
            if not refused and body.tell() == len(body):
                self.in_doubt = True
                self.engine.catalogue.uploads.doubted(self.upload.id)
            raise
