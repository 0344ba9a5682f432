"""A new key of pseudonyms. The trail, which is chained and signed, is the proof of when which key came after which."""

from gnomon.guard.pseudonym_keys import add_key, key_names
from gnomon.kit import services
from gnomon.kit.work import Work, action


@action("mask_policy.rotate")
def rotate_pseudonym_key(work: Work) -> tuple[str, ...]:
    """The names of all keys, oldest first. Gateways mask by the new one from their next start.

    The same value has another pseudonym then, so that nothing links what was written before with what comes after.
    Records keep what they need to be restored until it expires.
    """
    home = services.settings().home
    before = key_names(home)
    work.about("installation", "pseudonym_key", before=list(before), made=add_key(home))
    return key_names(home)
