"""What the service refuses for now: when to ask again, and what to say of it."""

from __future__ import annotations

from ..errors import ConnectionFailed, GlacierError
from ..service.retrieval_policies import FREE_TIER, Policy
from ..steps import step
from .limits import DAY, HOUR

MINUTE = 60_000
POLICY, CAPACITY = "PolicyEnforcedException", "InsufficientCapacityException"
BUSY = ("ThrottlingException", "RequestTimeoutException")
"""Answers that say for certain that the service has not taken a request, nor will at this rate."""
OFFER_AFTER = 3
"""Refusals in a row after which another tier is offered in words."""


def is_postponed(error: GlacierError) -> bool:
    """Tell whether a refusal is for now only: nothing was taken, and later it may be.

    Credentials that have expired, too: a request that is due in the night must not fail by them.
    """
    return error.code in (POLICY, CAPACITY, *BUSY) or isinstance(error, ConnectionFailed)


def pause(error: GlacierError, moves: int, *, now: int, speed: float, policy: Policy | None) -> int:
    """Return the milliseconds of the service's time after which to ask again.

    :param moves: how often in a row it was refused before.
    :param now: the service's time in milliseconds since 1970.
    :param speed: how many of its seconds pass in one of ours.
    """
    if error.code == POLICY:
        if policy is not None and policy.strategy == FREE_TIER:
            return DAY - now % DAY + MINUTE  # the allowance is one of a day
        return min(HOUR << min(moves, 5), DAY)
    if error.code == CAPACITY:
        return min((2 * MINUTE) << min(moves, 5), HOUR)
    longest = 15 * MINUTE if isinstance(error, ConnectionFailed) else 5 * MINUTE
    return int(min(5_000 << min(moves, 10), longest) * speed)


def words(error: GlacierError, moves: int) -> str:
    """Return what the board says of a request that the service has refused *moves* times."""
    times = f", {moves} times so far" if moves > 1 else ""
    if error.code == POLICY:
        what = f"The account's data retrieval policy refuses it for now{times}: it is asked again"
        offer = f"The bulk tier is not subject to the policy: {step('restore', '... --tier bulk')}"
    elif error.code == CAPACITY:
        what = f"No capacity for expedited retrievals now{times}: it is asked again"
        offer = f"Standard takes 3 to 5 hours and always has some: {step('restore', '...')}"
    elif isinstance(error, ConnectionFailed):
        return f"{error}; what is due is asked for then"
    else:
        return f"{error.message}{times}: it is asked again"
    return f"{what}. {offer}" if moves >= OFFER_AFTER else what
