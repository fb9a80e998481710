"""Every error that a user can meet, each with its cure.

GlacierError
 +- InputError (ValueError)            the request is not understood, or cannot be carried out
 |   +- NameNotKnown (LookupError)     no archive of that name or id is in the catalogue
 +- ConnectionFailed                   no connection to the service can be made
 |   +- CredentialsError               none, expired or unknown credentials
 |   +- RegionError                    no region, or one without the vault service
 |   +- ServiceClosed                  the account is not a customer of the vault service
 |   +- EmulatorFailed                 the embedded emulator did not start or answer
 +- AccessDenied (PermissionError)     the identity lacks a permission
 +- NotFound (LookupError)             a vault, archive, job or upload does not exist (any more)
 +- Refused                            a rule of the service or a policy of the account forbids it
 |   +- VaultNotEmpty                  a vault is deleted only after an inventory shows it empty
 |   +- NotConfirmed                   a deletion was not confirmed with the vault's name
 |   +- OverBudget                     the cost exceeds the limit
 |   +- PriceUnknown                   the cost is unknown, so a limit cannot be kept
 |   +- PlanChanged                    the plan would now request, or cost, more than was shown
 |   +- Unlistable                     the members cannot be listed from a part of the archive
 +- Unavailable (ConnectionError)      throttled, timed out, unreachable: trying again can help
 +- NotReady                           the job is still in progress
 +- JobFailed                          the service could not complete a job
 +- JobExpired                         the output was not fetched within its 24 hours
 +- IntegrityError                     bytes do not match their hash
 +- WrongKey                           a key or password does not open a file
 +- LocalError (OSError)               disk full, unwritable folder, file that changed
 +- CatalogueError                     the catalogue cannot be opened, or is from a newer version
 +- Unexpected                         a defect of this program

Each has a ``cure``, the next step as a sentence, and an ``exit_code``, stable for scripts.
"""

from __future__ import annotations

import re

from .scrubbing import scrub
from .steps import step


def describe(error: BaseException) -> str:
    """Return class and text of an error, without secrets, for a record or a display."""
    return scrub(f"{type(error).__name__}: {error}")


class GlacierError(Exception):
    """An error that the user can act on: a message and a ``cure``, both without secrets."""

    exit_code = 1
    advice = ""
    """The cure of an error raised without one; ``{verb words}`` stands for a command."""

    @classmethod
    def default_cure(cls) -> str:
        """Return :attr:`advice` with its commands spelled for the face in use."""
        # At each error: a process can change its face.
        return re.sub(r"\{(\S+?)(?: (.+?))?\}", lambda m: step(m[1], m[2] or ""), cls.advice)

    def __init__(self, message: str, *, cure: str | None = None, code: str = "") -> None:
        self.message = message = scrub(message)  # it may quote a library that repeats a signed request
        self.cure = self.default_cure() if cure is None else scrub(cure)  # "" is a choice: no next step
        self.code = code
        self.details: dict[str, str] = {}
        super().__init__(message)

    def __str__(self) -> str:
        if not self.cure:
            return self.message
        stop = "" if self.message.endswith(("?", "!")) else "."  # a cure follows, as a sentence of its own
        return f"{self.message.rstrip('.')}{stop} {self.cure}"


class InputError(GlacierError, ValueError):
    """The request is not understood, or cannot be carried out as written."""

    exit_code = 2  # as argparse and most programs do for a wrong command line


class NameNotKnown(InputError, LookupError):
    """No archive of that name or id is in the catalogue."""

    advice = "{ls} shows the names; {inventory} refreshes them."


class ConnectionFailed(GlacierError):
    """No connection to the service can be made."""

    exit_code = 6


class CredentialsError(ConnectionFailed):
    """No credentials were found, or the service does not accept them."""

    advice = (
        "Log in the way you do for the AWS command line (aws configure, aws sso login, or the "
        "AWS_PROFILE variable), then {connect --profile NAME}; "
        "or try it without an account: {connect --emulator}"
    )


class RegionError(ConnectionFailed):
    """No region is set, or the vault service does not exist in it."""

    advice = (
        "Name the region of your vaults: {connect --region eu-west-1}; or try it without "
        "an account: {connect --emulator}"
    )


class ServiceClosed(ConnectionFailed):
    """The account is not a customer of the vault service, which is closed to new customers."""

    advice = (
        "The vault service has been closed to new customers since 15 December 2025. If this "
        "account owns vaults, check that profile and region are the right ones: "
        "{connect --profile NAME --region REGION}. For new archives use the S3 Glacier "
        "storage classes."
    )


class EmulatorFailed(ConnectionFailed):
    """The embedded emulator did not start, or does not respond."""

    advice = "{emulator status} shows its folder, whose emulator.log says more."


class AccessDenied(GlacierError, PermissionError):
    """The identity lacks a permission."""

    exit_code = 6

    advice = (
        "The identity needs the matching glacier: action on this vault in its IAM policy or in "
        "the vault's access policy."
    )


class NotFound(GlacierError, LookupError):
    """A vault, archive, job or upload does not exist, or no longer exists."""

    exit_code = 7


class Refused(GlacierError):
    """A rule of the service or a policy of the account forbids it."""

    exit_code = 8


class VaultNotEmpty(Refused):
    """A vault is deleted only after an inventory taken since its last write shows it empty."""

    advice = (
        "Delete its archives ({rm}), then wait for the next daily inventory: the service "
        "deletes a vault only after an inventory made since the last change shows it empty."
    )


class NotConfirmed(Refused):
    """A confirmation is missing or wrong, such as the vault's name for a deletion; nothing was done."""


class OverBudget(Refused):
    """The cost exceeds the limit; nothing was done."""

    advice = "Raise the limit, or make a cheaper plan."


class PriceUnknown(Refused):
    """The cost is unknown or unconfirmed, so a limit cannot be kept; nothing was done."""

    advice = "{cost --refresh} requests the prices from AWS; {cost --help} says how to set them yourself."


class PlanChanged(Refused):
    """The plan would now request, or cost, more than it showed; nothing was done.

    It shows the present state, and running it again carries that out.
    """

    advice = "Nothing was done. The plan now shows the present state: run it again to carry it out."


class Unlistable(Refused):
    """The members of a zip or tar cannot be listed from a part of it: damaged, or over a limit."""

    advice = "Restore the whole archive with {restore}."


class Unavailable(GlacierError, ConnectionError):
    """Throttled, timed out or unreachable: trying again can help."""

    exit_code = 69  # EX_UNAVAILABLE of sysexits.h: a script may try again

    advice = "Nothing is lost: once the network is back, the same command resumes."


class NotReady(GlacierError):
    """The job is still in progress: jobs take hours."""

    exit_code = 75  # EX_TEMPFAIL of sysexits.h: not a failure, only too early


class JobFailed(GlacierError):
    """The service could not complete a job."""

    exit_code = 3

    advice = "Request it again with {restore}; the job of an archive that was deleted fails."


class JobExpired(GlacierError):
    """A job's output was not fetched within the 24 hours for which the service keeps it."""

    exit_code = 4

    advice = "{restore --expired} requests it again, into the same folder: a new, paid retrieval."


class IntegrityError(GlacierError):
    """Bytes do not match their hash; no file got its final name."""

    exit_code = 5


class WrongKey(GlacierError):
    """A key or password does not open an encrypted file, or none is there that could."""

    exit_code = 11


class LocalError(GlacierError, OSError):
    """A full disk, a folder that cannot be written, or a file that changed."""

    exit_code = 9

    def __str__(self) -> str:  # OSError's own would print its arguments
        return GlacierError.__str__(self)


class CatalogueError(GlacierError):
    """The catalogue cannot be opened, or is from a newer version."""

    exit_code = 10


class Unexpected(GlacierError):
    """A defect of this program."""

    exit_code = 70  # EX_SOFTWARE of sysexits.h

    advice = "{why} shows what to report; completed work is kept."
