"""Every error a user can meet, each with what to do next.

GlacierError
 +- InputError (ValueError)            the request cannot be understood or carried out as written
 |   +- NameNotKnown (LookupError)     no archive of that name or id is in the catalogue
 +- ConnectionFailed                   there is no usable way to the service
 |   +- CredentialsError               none, expired or unknown credentials
 |   +- RegionError                    no region, or one without the vault service
 |   +- ServiceClosed                  the account is not a customer of the vault service
 |   +- EmulatorFailed                 the embedded emulator did not start or answer
 +- AccessDenied (PermissionError)     the service knows who asks and refuses
 +- NotFound (LookupError)             vault, archive, job or upload that does not exist (any more)
 +- Refused                            a rule of the service or a policy of the account says no
 |   +- VaultNotEmpty                  a vault is dropped only after an inventory shows it empty
 |   +- NotConfirmed                   what destroys much was not confirmed by the vault's name
 |   +- OverBudget                     it costs more than was allowed
 |   +- PriceUnknown                   what it costs is not known, so a limit cannot be kept
 |   +- PlanChanged                    it would ask for, or cost, more by now than was shown
 |   +- Unlistable                     what is inside cannot be told from a part of it
 +- Unavailable (ConnectionError)      throttled, timed out, unreachable: trying again can help
 +- NotReady                           it takes hours, and they are not over
 +- JobFailed                          the service gave up on a job
 +- JobExpired                         the output was not fetched within its 24 hours
 +- IntegrityError                     bytes differ from what their hash promises
 +- LocalError (OSError)               disk full, unwritable folder, file that changed meanwhile
 +- CatalogueError                     the local record cannot be opened or is from a newer version
 +- Unexpected                         a defect of this program

Each carries ``cure``, the next step as one sentence, and ``exit_code``, stable for scripts.
"""

from __future__ import annotations

from .scrubbing import mask_account, scrub
from .steps import step

__all__ = [
    "AccessDenied",
    "CatalogueError",
    "ConnectionFailed",
    "CredentialsError",
    "EmulatorFailed",
    "GlacierError",
    "InputError",
    "IntegrityError",
    "JobExpired",
    "JobFailed",
    "LocalError",
    "NameNotKnown",
    "NotConfirmed",
    "NotFound",
    "NotReady",
    "OverBudget",
    "PlanChanged",
    "PriceUnknown",
    "Refused",
    "RegionError",
    "ServiceClosed",
    "Unavailable",
    "Unexpected",
    "Unlistable",
    "VaultNotEmpty",
    "describe",
    "mask_account",
]


def describe(error: BaseException) -> str:
    """Return the class and the text of an error, without secrets, for a record or a display."""
    return scrub(f"{type(error).__name__}: {error}")


class GlacierError(Exception):
    """Something the user can act on: a message that says what happened, and a ``cure``.

    Both may quote a library or a service: no secret in them stays.
    """

    exit_code = 1

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return ""

    def __init__(self, message: str, *, cure: str | None = None, code: str = "") -> None:
        self.message = message = scrub(message)
        self.cure = self.default_cure() if cure is None else scrub(cure)
        self.code = code
        self.details: dict[str, str] = {}
        super().__init__(message)

    def __str__(self) -> str:
        if not self.cure:
            return self.message
        stop = "" if self.message.endswith(("?", "!")) else "."
        return f"{self.message.rstrip('.')}{stop} {self.cure}"


class InputError(GlacierError, ValueError):
    """The request cannot be understood or carried out as written."""

    exit_code = 2


class NameNotKnown(InputError, LookupError):
    """No archive of that name or id is in the catalogue."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return f"{step('ls')} shows the names; {step('inventory')} refreshes them."


class ConnectionFailed(GlacierError):
    """There is no usable way to the service."""

    exit_code = 6


class CredentialsError(ConnectionFailed):
    """No credentials were found, or the service does not accept them (any more)."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            "Log in the way you do for the AWS command line (aws configure, aws sso login, or the "
            f"AWS_PROFILE variable), then {step('connect', '--profile NAME')}; "
            f"or try it without an account: {step('connect', '--emulator')}"
        )


class RegionError(ConnectionFailed):
    """No region is set, or the vault service does not exist in it."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            f"Name the region of your vaults: {step('connect', '--region eu-west-1')}; or try it without "
            f"an account: {step('connect', '--emulator')}"
        )


class ServiceClosed(ConnectionFailed):
    """The account is not a customer of the vault service, which takes no new ones."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            "The vault service has been closed to new customers since 15 December 2025. If this "
            f"account owns vaults, check that profile and region are the right ones: "
            f"{step('connect', '--profile NAME --region REGION')}. For new archives use the S3 Glacier "
            "storage classes."
        )


class EmulatorFailed(ConnectionFailed):
    """The embedded emulator did not start or does not answer."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return f"{step('emulator', 'status')} shows its folder, whose emulator.log says more."


class AccessDenied(GlacierError, PermissionError):
    """The service knows who asks, and refuses."""

    exit_code = 6

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            "The identity needs the matching glacier: action on this vault in its IAM policy or in "
            "the vault's access policy."
        )


class NotFound(GlacierError, LookupError):
    """A vault, archive, job or upload that does not exist, or not any more."""

    exit_code = 7


class Refused(GlacierError):
    """A rule of the service or a policy of the account says no."""

    exit_code = 8


class VaultNotEmpty(Refused):
    """A vault is dropped only after an inventory taken since its last write shows it empty."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            f"Delete its archives ({step('rm')}), then wait for the next daily inventory: the service "
            "drops a vault only once an inventory made after the last change shows it empty."
        )


class NotConfirmed(Refused):
    """What destroys more than one archive needs the vault's name, typed; nothing was done."""


class OverBudget(Refused):
    """It costs more than was allowed; nothing was done."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return "Allow more, choose fewer archives, or a cheaper tier."


class PriceUnknown(Refused):
    """What it costs is not known, or not confirmed, so a limit cannot be kept; nothing was done."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            f"{step('cost', '--refresh')} requests the prices from AWS; {step('cost', '--help')} says how to "
            "set them yourself."
        )


class PlanChanged(Refused):
    """By now the plan would ask for, or cost, more than it showed; nothing was done.

    It shows what holds now: running it again does that.
    """

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return "Nothing was done. The plan shows it as it is now: run it again to go on."


class Unlistable(Refused):
    """The members of a zip or tar cannot be told from a part of it: damaged, or over a limit."""

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return f"Get the whole archive back with {step('restore')}."


class Unavailable(GlacierError, ConnectionError):
    """Throttled, timed out or unreachable: trying again can help."""

    exit_code = 69

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return "Nothing is lost: the same command goes on from here when the network is back."


class NotReady(GlacierError):
    """What was asked for takes hours, and they are not over."""

    exit_code = 75


class JobFailed(GlacierError):
    """The service gave up on a job."""

    exit_code = 3

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return f"Request it again with {step('restore')}; a job of an archive deleted meanwhile fails."


class JobExpired(GlacierError):
    """A job's output was not fetched within the 24 hours that the service keeps it."""

    exit_code = 4

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return (
            f"{step('restore', '--expired')} asks again, into the same folder; it is a new, paid retrieval."
        )


class IntegrityError(GlacierError):
    """Bytes differ from what their hash promises; nothing was put under its final name."""

    exit_code = 5


class LocalError(GlacierError, OSError):
    """The local side: a full disk, a folder that cannot be written, a file that changed."""

    exit_code = 9

    def __str__(self) -> str:  # OSError would print its own arguments
        return GlacierError.__str__(self)


class CatalogueError(GlacierError):
    """The catalogue cannot be opened, or was written by a newer version."""

    exit_code = 10


class Unexpected(GlacierError):
    """A defect of this program: something that it does not expect to happen."""

    exit_code = 70

    @staticmethod
    def default_cure() -> str:
        """Return what to do next, where nothing better is known."""
        return f"{step('why')} shows what to report; what was done before is kept."
