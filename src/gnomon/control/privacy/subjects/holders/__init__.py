"""Who holds personal data, each with three abilities: tell where identifiers stand, tell what is said, erase it.

To add one: a class, and a line here, or, for a domain above this one, `hold` in its own `persons.py`.
"""

from gnomon.control.privacy.subjects.holders.base import Erasure, Holder, Item, Kept, Place
from gnomon.control.privacy.subjects.holders.copies import Copies
from gnomon.control.privacy.subjects.holders.datasets import Datasets
from gnomon.control.privacy.subjects.holders.files import Files
from gnomon.control.privacy.subjects.holders.texts import Texts

HOLDERS: dict[str, Holder] = {one.name: one for one in (Texts(), Datasets(), Files(), Copies())}


def hold(holder: Holder) -> None:
    """What this holder has is found, exported and erased too."""
    HOLDERS[holder.name] = holder


__all__ = ["HOLDERS", "Erasure", "Holder", "Item", "Kept", "Place", "hold"]
