"""The figures inside this package: what was documented, by whom and when; nothing is filled in.

Figures that no document confirms for vaults, or that are years old, are marked ``confirmed=False``.
A region that is not here has no figures until it is refreshed or configured.
"""

from __future__ import annotations

from decimal import Decimal

from .quote import ANYWHERE, Figure

AS_OF = "2025-07-07"
"""The date of the newest figure here."""

_SNAPSHOT = "AWS price list as kept in Infracost's tests"
_VAULTS = "vault pages of earlier years"
_GIST = "gist of PauloMigAlmeida"
_US = "us-east-1"


def _listed(item: str, price: str) -> Figure:
    return Figure.flat(item, Decimal(price), region=_US, source=_SNAPSHOT, date=AS_OF)


def _doubtful(item: str, price: str, region: str, source: str, date: str) -> Figure:
    return Figure.flat(item, Decimal(price), region=region, source=source, date=date, confirmed=False)


FIGURES: tuple[Figure, ...] = (
    # Vaults and Flexible Retrieval share these products of the price list, service AmazonGlacier.
    # That vaults are billed at the storage price, too, no document says.
    Figure.flat("storage", Decimal("0.0036"), region=_US, source=_SNAPSHOT, date=AS_OF, confirmed=False),
    _listed("early-deletion", "0.0036"),
    _listed("retrieval-standard", "0.01"),
    _listed("retrieval-standard-requests", "0.03"),
    _listed("retrieval-expedited", "0.03"),
    _listed("retrieval-expedited-requests", "10.00"),
    _doubtful("retrieval-bulk", "0.0025", _US, _VAULTS, ""),
    _doubtful("retrieval-bulk-requests", "0.025", _US, _VAULTS, ""),
    _doubtful("upload-requests", "0.03", _US, _VAULTS, ""),
    _doubtful("provisioned-capacity", "100", _US, "demo.wlid.nl", ""),
    _doubtful("other-requests", "0", ANYWHERE, "no document names a price", ""),
    _doubtful("free-retrieval", "10", ANYWHERE, _GIST, "2018-07"),
    _doubtful("provisioned-capacity", "120", "eu-central-1", "demo.wlid.nl", "2021-12"),
    _doubtful("storage", "0.005", "ap-southeast-2", _GIST, "2018-07"),
    _doubtful("upload-requests", "0.06", "ap-southeast-2", _GIST, "2018-07"),
    # The S3 storage classes, for comparison.
    _listed("flexible-storage", "0.0036"),
    _listed("flexible-put-requests", "0.03"),
    Figure.flat(
        "flexible-retrieval-bulk",
        Decimal(0),
        region=ANYWHERE,
        source="S3 API reference, RestoreObject",
        date="2021-11",
    ),
    _listed("deep-archive-storage", "0.00099"),
    _listed("deep-archive-retrieval-standard", "0.02"),
    _listed("deep-archive-retrieval-standard-requests", "0.10"),
    _listed("deep-archive-retrieval-bulk", "0.0025"),
    _listed("deep-archive-retrieval-bulk-requests", "0.025"),
)
