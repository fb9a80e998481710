"""Files sealed with age (c2sp.org/age), so that only the holders of a key can read them.

pyrage seals and opens whole files, in processes of their own, as it holds the interpreter's lock.
What no library does is here: opening a range of a sealed file.
"""

from .age_format import SealedFile
from .identities import Identity, read_identities
from .sealing import Sealed, Sealing

__all__ = ["Identity", "Sealed", "SealedFile", "Sealing", "read_identities"]
