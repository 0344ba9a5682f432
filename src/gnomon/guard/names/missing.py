"""What everybody who reads a file of names raises, apart from the readers: whoever knows words alone needs no numpy."""

from gnomon.kit.errors import NotReady


class NamesMissing(NotReady):
    """There is no usable tagger, so nothing may pass that asked for one."""

    code = "names_missing"
